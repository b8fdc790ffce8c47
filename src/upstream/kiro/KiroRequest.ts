/**
 * KiroRequest: a client's request as the body of `GenerateAssistantResponse`, converted once for all attempts.
 *
 * The conversation is serialised when it is converted; what differs between attempts (ids, the account's profile, the
 * kind of sign-in) is put around it by `encodeRequest`, which copies text and nothing else.
 *
 * **Details**
 *
 * - The system prompt is the first pair of messages; nothing is taken out of it.
 * - Tools stand on the current message only. Each message of the user's side names the model.
 * - `max_tokens`, `stop_sequences`, `temperature`, `top_p`, `top_k` and the like have no counterpart here.
 * - Refused are only an attachment that can't be sent, a tool name that occurs twice, and a `tool_choice` of a tool
 *   that is not offered. Size is the upstream's to judge.
 *
 * **Source:** AWS's published `codewhisperer-streaming` model; Anthropic Messages API.
 */
import { Result } from "effect"
import type { MessagesRequest } from "../../message/MessagesRequest.ts"
import { markOf } from "../../message/CacheMark.ts"
import { type Marks, withCachePoints } from "./KiroCachePoints.ts"
import { agreement, directives, systemText, thinkingTags, wantsThinking } from "./KiroInstructions.ts"
import { readMessages } from "./KiroMessages.ts"
import type {
  KiroAssistantMessage,
  KiroChatMessage,
  KiroToolResult,
  KiroUserMessage,
  RequestRefusal
} from "./KiroModel.ts"
import { pairTurns } from "./KiroPairing.ts"
import type { Conversation } from "./KiroTurns.ts"
import { makeToolNames } from "./KiroToolNames.ts"
import { offeredTools, placeholderTools } from "./KiroTools.ts"

/** A request whose conversation is serialised. */
export interface KiroRequest {
  readonly modelId: string
  /** Entries of `history` as JSON, without the brackets; empty for none. */
  readonly history: string
  /** Members of the current message as JSON, without braces and context. */
  readonly message: string
  /** The current message's tool results as a JSON array; empty for none. */
  readonly toolResults: string
  /** The tools as a JSON array; empty for none. */
  readonly tools: string
  /** From the tools' names upstream to the client's own. */
  readonly toolNames: ReadonlyMap<string, string>
  /** Names upstream of the tools that the gateway runs, not the client. */
  readonly serverTools: ReadonlySet<string>
  /** Whether the client asked for thinking. */
  readonly wantsThinking: boolean
  /** Whether it asks for the prompt to be cached. */
  readonly hasCachePoints: boolean
}

/** How a request is converted. */
export interface ConversionOptions {
  /** The upstream's own name of the model. */
  readonly model: string
  /** `text` where the model reads no documents: those that are files are refused then, so replace them before. */
  readonly documents: "native" | "text"
  /** Whether the gateway runs web searches; otherwise `web_search_…` tools are not offered. */
  readonly webSearch: boolean
  /** `text` to send no signed reasoning, as after an answer that called a signature invalid. */
  readonly reasoning: "native" | "text"
  /** The most cache points that the model takes; 0 to send none. */
  readonly cachePoints: number
  /** Whether thinking is asked for by tags in the system prompt; otherwise `Attempt.modelFields` has to ask for it. */
  readonly thinkingTags: boolean
  /** Lower-case hex of the SHA-256 of a text's UTF-8 bytes. */
  readonly sha256Hex: (text: string) => string
}

/** What differs between attempts. */
export interface Attempt {
  readonly conversationId: string
  readonly agentContinuationId: string
  /** Of the account that serves, or null where it has none. */
  readonly profileArn: string | null
  /** An account of an external identity provider: it is refused task type, continuation id and an empty context. */
  readonly externalIdp: boolean
  /** `additionalModelRequestFields`, for models whose listing says that they take them; null for none. */
  readonly modelFields: Readonly<Record<string, unknown>> | null
}

/** Converts a validated request. */
export const convertRequest = (
  request: MessagesRequest,
  options: ConversionOptions
): Result.Result<KiroRequest, RequestRefusal> => {
  const names = makeToolNames(options.sha256Hex)
  const offer = offeredTools(request.tools, names, options.webSearch)
  if (Result.isFailure(offer)) return Result.fail(offer.failure)
  const choice = request.tool_choice
  const chosen = choice?.type === "tool" ? names.sentName(choice.name ?? "") : undefined
  if (choice?.type === "tool" && chosen === undefined) {
    return Result.fail({
      path: "tool_choice.name",
      message: `the tool ${choice.name ?? ""} is not among those offered`
    })
  }
  const conversation = readMessages(request.messages, options)
  if (Result.isFailure(conversation)) return Result.fail(conversation.failure)

  const { model: modelId, sha256Hex } = options
  const { current, history } = pairTurns(conversation.success, { modelId, names, sha256Hex })
  const { serverTools, overflow } = offer.success
  const withTools = choice?.type !== "none" || history.some(hasCalls)
  const tools = withTools ? [...offer.success.tools, ...placeholderTools(names)] : []
  const tags = options.thinkingTags ? thinkingTags(request, options.model) : ""
  const said = directives(request, tools.length > 0, chosen)
  const content = [...said, current.content]
  const toolResults = current.userInputMessageContext?.toolResults
  const system = systemPair(systemText(request, tags, overflow), modelId)
  const carriers = {
    tools,
    history: [...system, ...history],
    current: { ...current, content: content.filter((part) => part !== "").join("\n\n") }
  }
  const marks = marksOf(request, {
    ...conversation.success,
    before: system.length,
    tools: withTools ? offer.success.marked : noMarks,
    isAsSent: said.length === 0 && !conversation.success.goesOn
  })
  const sent = withCachePoints(carriers, marks, options.cachePoints)
  return Result.succeed({
    history: wellFormed(JSON.stringify(sent.history).slice(1, -1)),
    message: messageMembers(sent.current),
    toolResults: jsonArray(toolResults),
    tools: jsonArray(sent.tools),
    hasCachePoints: options.cachePoints > 0 && marks.tools.size + marks.history.size + Number(marks.current) > 0,
    modelId,
    toolNames: names.clientNames,
    serverTools,
    wantsThinking: wantsThinking(request)
  })
}

const noMarks: ReadonlySet<number> = new Set()

interface Marked extends Conversation {
  /** Messages of the system prompt, which come first in the history. */
  readonly before: number
  readonly tools: ReadonlySet<number>
  /** Whether the current message will stand in the history word for word. */
  readonly isAsSent: boolean
}

/**
 * Where the client asks for the prompt to be cached. The current message is a place for that only where it ends there and
 * will be found again: otherwise the prompt is cached up to the message before.
 */
const marksOf = (request: MessagesRequest, marked: Marked): Marks => {
  const { before, current, earlier, isAsSent, tools } = marked
  const history = new Set<number>()
  const isSystemMarked =
    typeof request.system !== "string" && (request.system ?? []).some((block) => markOf(block) !== null)
  if (isSystemMarked && before > 0) history.add(0)
  for (const [index, { isMarked }] of earlier.entries()) if (isMarked) history.add(before + index)
  const isAutomatic = markOf(request) !== null
  const asksForCurrent = isAutomatic || current.isMarked
  const isStable = isAsSent && (isAutomatic || current.endsMarked)
  const last = before + earlier.length - 1
  if (asksForCurrent && !isStable && last >= 0) history.add(last)
  return { tools, history, current: asksForCurrent && isStable }
}

/** The body of one attempt. */
export const encodeRequest = (request: KiroRequest, attempt: Attempt): string => {
  const task = attempt.externalIdp
    ? ""
    : `,"agentContinuationId":${JSON.stringify(attempt.agentContinuationId)},"agentTaskType":"vibe"`
  const context = contextMembers(request.toolResults, request.tools)
  const withContext = context !== "" || !attempt.externalIdp ? `,"userInputMessageContext":{${context}}` : ""
  const history = request.history === "" ? "" : `,"history":[${request.history}]`
  const profile = attempt.profileArn === null ? "" : `,"profileArn":${JSON.stringify(attempt.profileArn)}`
  const fields =
    attempt.modelFields === null ? "" : `,"additionalModelRequestFields":${JSON.stringify(attempt.modelFields)}`
  return (
    `{"conversationState":{"conversationId":${JSON.stringify(attempt.conversationId)}${task},"chatTriggerType":"MANUAL"` +
    `,"currentMessage":{"userInputMessage":{${request.message}${withContext}}}${history}}${profile}${fields}}`
  )
}

/**
 * The request that goes on after tools that the gateway ran: what was current becomes history, the model's answer
 * follows it, and the results are the current message. The answer's calls and the results must be the same ones.
 */
export const withToolRound = (
  request: KiroRequest,
  answer: KiroAssistantMessage,
  results: ReadonlyArray<KiroToolResult>
): KiroRequest => {
  const context = contextMembers(request.toolResults, "")
  const asked = `{"userInputMessage":{${request.message}${context === "" ? "" : `,"userInputMessageContext":{${context}}`}}}`
  const answered = wellFormed(
    JSON.stringify({ assistantResponseMessage: answer.content === "" ? { ...answer, content: " " } : answer })
  )
  return {
    ...request,
    history: [request.history, asked, answered].filter((part) => part !== "").join(","),
    message: messageMembers({ content: "", modelId: request.modelId, origin: "AI_EDITOR" }),
    toolResults: jsonArray(results)
  }
}

const systemPair = (text: string, modelId: string): ReadonlyArray<KiroChatMessage> =>
  text === ""
    ? []
    : [
        { userInputMessage: { content: text, modelId, origin: "AI_EDITOR" } },
        { assistantResponseMessage: { content: agreement } }
      ]

const hasCalls = (message: KiroChatMessage): boolean =>
  "assistantResponseMessage" in message && message.assistantResponseMessage.toolUses !== undefined

const jsonArray = (items: ReadonlyArray<unknown> | undefined): string =>
  items === undefined || items.length === 0 ? "" : wellFormed(JSON.stringify(items))

const messageMembers = (message: KiroUserMessage): string =>
  wellFormed(JSON.stringify({ ...message, userInputMessageContext: undefined }).slice(1, -1))

const contextMembers = (toolResults: string, tools: string): string =>
  [toolResults === "" ? "" : `"toolResults":${toolResults}`, tools === "" ? "" : `"tools":${tools}`]
    .filter((member) => member !== "")
    .join(",")

/**
 * Replaces halves of surrogate pairs by U+FFFD. A text cut in mid-character holds one; `JSON.stringify` writes it as an
 * escape that is no Unicode, and strict readers refuse the whole body for it.
 */
const wellFormed = (json: string): string => {
  let at = json.indexOf(surrogate)
  if (at < 0) return json
  let written = ""
  let from = 0
  for (; at >= 0; at = json.indexOf(surrogate, at + 1)) {
    if (!startsEscape(json, at)) continue
    written += `${json.slice(from, at)}\uFFFD`
    from = at + escapeLength
  }
  return written + json.slice(from)
}

const surrogate = "\\ud"
const escapeLength = 6

/** A backslash after an odd number of backslashes is itself escaped: the client wrote these very characters. */
const startsEscape = (json: string, at: number): boolean => {
  let first = at
  while (json[first - 1] === "\\") first--
  return (at - first) % 2 === 0
}
