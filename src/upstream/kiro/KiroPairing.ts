/**
 * KiroPairing: tool calls and their answers as the upstream takes them, call by call.
 *
 * The upstream refuses a conversation in which a call has no answer directly after it, or an answer no call directly
 * before it. A pair that stands like that is sent as such. A call without an answer, a second answer to one call and
 * an answer to no call become text in their own message, so that the model still knows of them.
 */
import { Predicate } from "effect"
import { answerText, callText } from "./KiroBlockText.ts"
import type { KiroChatMessage, KiroToolResult, KiroToolUse, KiroUserMessage } from "./KiroModel.ts"
import type { ToolNames } from "./KiroToolNames.ts"
import type { AssistantTurn, Conversation, ToolAnswer, ToolCall, Turn, UserTurn } from "./KiroTurns.ts"

/** Content of a user message that holds tool results and says nothing. */
const resultsOnly = ""
/** Content of a message that holds attachments and says nothing: the upstream refuses it empty. */
const attachmentsOnly = "(See the attachment.)"
/** Content of a message that says nothing at all, and the text of a tool's answer that is empty. */
const nothing = "(no content)"
/** Content of an assistant message that holds tool calls and says nothing: the upstream refuses it empty. */
const callsOnly = " "

/** What the conversion needs to know about the request. */
export interface PairingOptions {
  readonly modelId: string
  readonly names: ToolNames
  /** Lower-case hex of the SHA-256 of a text's UTF-8 bytes. */
  readonly sha256Hex: (text: string) => string
}

/** A conversation in messages. */
export interface PairedConversation {
  readonly history: ReadonlyArray<KiroChatMessage>
  readonly current: KiroUserMessage
}

/** The messages of a conversation. */
export const pairTurns = (conversation: Conversation, options: PairingOptions): PairedConversation => {
  const { current, earlier } = conversation
  const idOf = makeToolUseIds(options.sha256Hex)
  let pending: ReadonlyMap<string, string> = new Map()
  const history = earlier.map((turn, index): KiroChatMessage => {
    if (turn.role === "user") return { userInputMessage: userMessage(turn, pending, options.modelId) }
    pending = answeredCalls(turn, earlier[index + 1] ?? current, idOf)
    return { assistantResponseMessage: assistantMessage(turn, pending, options.names) }
  })
  return { history, current: userMessage(current, pending, options.modelId) }
}

/** The calls of a turn that the next turn answers: from the client's id to the id that is sent. */
const answeredCalls = (turn: AssistantTurn, next: Turn, idOf: (id: string) => string): ReadonlyMap<string, string> => {
  const answered = new Set<string>()
  if (next.role === "user") for (const part of next.parts) if (isAnswer(part)) answered.add(part.id)
  const sent = new Map<string, string>()
  for (const part of turn.parts) {
    if (isCall(part) && answered.has(part.id) && !sent.has(part.id)) sent.set(part.id, idOf(part.id))
  }
  return sent
}

const assistantMessage = (turn: AssistantTurn, sentIds: ReadonlyMap<string, string>, names: ToolNames) => {
  const texts: Array<string> = []
  const toolUses: Array<KiroToolUse> = []
  const unused = new Map(sentIds)
  for (const part of turn.parts) {
    if (!isCall(part)) {
      texts.push(part)
      continue
    }
    const toolUseId = unused.get(part.id)
    if (toolUseId === undefined) {
      texts.push(callText(part))
    } else {
      unused.delete(part.id)
      toolUses.push({ toolUseId, name: names.refer(part.name), input: objectInput(part.input) })
    }
  }
  const content = texts.join("\n\n")
  return {
    content: content.trim() !== "" ? content : toolUses.length > 0 ? callsOnly : nothing,
    ...(toolUses.length > 0 ? { toolUses } : {}),
    ...(turn.reasoning === null ? {} : { reasoningContent: turn.reasoning })
  }
}

const userMessage = (turn: UserTurn, sentIds: ReadonlyMap<string, string>, modelId: string): KiroUserMessage => {
  const texts: Array<string> = []
  const toolResults: Array<KiroToolResult> = []
  const open = new Map(sentIds)
  for (const part of turn.parts) {
    if (!isAnswer(part)) {
      texts.push(part)
      continue
    }
    const toolUseId = open.get(part.id)
    if (toolUseId === undefined) {
      texts.push(answerText(part))
    } else {
      open.delete(part.id)
      toolResults.push({
        toolUseId,
        content: [{ text: part.text.trim() === "" ? nothing : part.text }],
        status: part.isError ? "error" : "success"
      })
    }
  }
  const { images, documents } = turn
  return {
    content: userContent(texts.join("\n"), toolResults.length > 0, images.length + documents.length > 0),
    modelId,
    origin: "AI_EDITOR",
    ...(images.length > 0 ? { images } : {}),
    ...(documents.length > 0 ? { documents } : {}),
    ...(toolResults.length > 0 ? { userInputMessageContext: { toolResults } } : {})
  }
}

const userContent = (text: string, hasResults: boolean, hasAttachments: boolean): string =>
  text.trim() !== "" ? text : hasResults ? resultsOnly : hasAttachments ? attachmentsOnly : nothing

/** The upstream's models take objects only. */
const objectInput = (input: unknown): KiroToolUse["input"] => {
  if (input === undefined || input === null) return {}
  return Predicate.isReadonlyObject(input) ? input : { input }
}

const isAnswer = (part: string | ToolAnswer): part is ToolAnswer => typeof part !== "string"
const isCall = (part: string | ToolCall): part is ToolCall => typeof part !== "string"

/**
 * Ids as the upstream's models take them: at most 64 characters of `[a-zA-Z0-9_-]`, each only once in a conversation.
 * An id that fits is sent as it is. The others are hashes, so that a growing conversation keeps its ids.
 */
const makeToolUseIds = (sha256Hex: (text: string) => string): ((id: string) => string) => {
  const taken = new Set<string>()
  return (id) => {
    let sent = allowedId.test(id) ? id : hashedId(sha256Hex(id))
    for (let n = 1; taken.has(sent); n++) sent = hashedId(sha256Hex(`${id}\n${n}`))
    taken.add(sent)
    return sent
  }
}

const allowedId = /^[a-zA-Z0-9_-]{1,64}$/
const hashedId = (hash: string): string => `tooluse_${hash.slice(0, 24)}`
