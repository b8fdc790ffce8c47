/**
 * ConversationRules: which messages may follow which, and that every call of a tool has its result.
 *
 * Neighbours of one role are one turn, and messages of role `system` stand between turns without parting them.
 *
 * **Source:** error messages of the API, as clients recorded them.
 */
import { type ApiError, invalid } from "./ApiError.ts"
import { type Block, blocksOf, type Message, textMember } from "./MessagesBody.ts"

/** One turn: its role, and its blocks with their place in the request. */
export interface Turn {
  readonly role: "user" | "assistant"
  /** Index of its first message. */
  readonly first: number
  readonly blocks: ReadonlyArray<Placed>
}

export interface Placed {
  readonly block: Block
  readonly message: number
  readonly index: number
}

/** Messages as turns. */
export const turnsOf = (messages: ReadonlyArray<Message>): ReadonlyArray<Turn> => {
  const turns: Array<Turn> = []
  for (const [message, { content, role }] of messages.entries()) {
    if (role === "system") continue
    const blocks = blocksOf(content).map((block, index) => ({ block, message, index }))
    const last = turns.at(-1)
    if (last?.role === role) turns.splice(-1, 1, { ...last, blocks: [...last.blocks, ...blocks] })
    else turns.push({ role, first: message, blocks })
  }
  return turns
}

/** The first rule that the messages break, or null. */
export const findConversationFault = (messages: ReadonlyArray<Message>): ApiError | null => {
  if (messages.length === 0) return invalid("messages: at least one message is required")
  if (messages[0]?.role !== "user") return invalid('messages: first message must use the "user" role')
  const empty = findEmpty(messages)
  if (empty !== null) return invalid(empty)
  const fault = findPairFault(turnsOf(messages))
  return fault === null ? null : invalid(fault)
}

const findEmpty = (messages: ReadonlyArray<Message>): string | null => {
  for (const [index, { content, role }] of messages.entries()) {
    const blocks = blocksOf(content)
    const isLastAnswer = index === messages.length - 1 && role === "assistant"
    if ((content === "" || blocks.length === 0) && !isLastAnswer && role !== "system") {
      return `messages.${index}: all messages must have non-empty content except for the optional final assistant message`
    }
    if (typeof content !== "string" && blocks.some((block) => block.type === "text" && block["text"] === "")) {
      return "messages: text content blocks must be non-empty"
    }
    if (blocks.some((block) => block.type === "text" && textMember(block, "text").trim() === "") && content !== "") {
      return "messages: text content blocks must contain non-whitespace text"
    }
    const last = blocks.at(-1)
    if (isLastAnswer && last?.type === "text" && /\s$/.test(textMember(last, "text"))) {
      return "messages: final assistant content cannot end with trailing whitespace"
    }
  }
  return null
}

const findPairFault = (turns: ReadonlyArray<Turn>): string | null => {
  const used = new Set<string>()
  for (const [index, turn] of turns.entries()) {
    const calls = idsOf(turn, "tool_use", "id")
    for (const id of calls) {
      if (used.has(id)) return "messages: `tool_use` ids must be unique"
      used.add(id)
    }
    const fault =
      turn.role === "assistant"
        ? (findUnanswered(turn, turns[index + 1], calls) ?? findUnfinished(turn, turns[index + 1]))
        : findUnasked(turn, turns[index - 1])
    if (fault !== null) return fault
  }
  return null
}

const findUnanswered = (turn: Turn, next: Turn | undefined, calls: ReadonlyArray<string>): string | null => {
  const results = next === undefined ? [] : idsOf(next, "tool_result", "tool_use_id")
  const missing = calls.filter((id) => !results.includes(id))
  const at = turn.blocks.find(({ block }) => block.type === "tool_use" && missing.includes(textMember(block, "id")))
  return missing.length === 0
    ? null
    : `messages.${at?.message ?? turn.first}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
        `${missing.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
}

/** Calls of server tools are answered in the same turn, except in the last, which may go on. */
const findUnfinished = (turn: Turn, next: Turn | undefined): string | null => {
  if (next === undefined) return null
  const answered = turn.blocks.map(({ block }) => textMember(block, "tool_use_id"))
  const open = turn.blocks.find(
    ({ block }) => block.type === "server_tool_use" && !answered.includes(textMember(block, "id"))
  )
  if (open === undefined) return null
  const name = textMember(open.block, "name")
  return (
    `messages.${open.message}: \`${name}\` tool use with id \`${textMember(open.block, "id")}\` was found without a ` +
    `corresponding \`${name}_tool_result\` block`
  )
}

const findUnasked = (turn: Turn, previous: Turn | undefined): string | null => {
  const calls = previous === undefined ? [] : idsOf(previous, "tool_use", "id")
  const seen = new Set<string>()
  for (const { block, index, message } of turn.blocks) {
    if (block.type !== "tool_result") continue
    const id = textMember(block, "tool_use_id")
    if (!calls.includes(id)) {
      return (
        `messages.${message}.content.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. ` +
        "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
      )
    }
    if (seen.has(id)) {
      return (
        `messages.${message}.content.${index}: each tool_use must have a single result. ` +
        `Found multiple \`tool_result\` blocks with id: ${id}`
      )
    }
    seen.add(id)
  }
  return null
}

const idsOf = (turn: Turn, type: string, member: string): ReadonlyArray<string> =>
  turn.blocks.flatMap(({ block }) => (block.type === type ? [textMember(block, member)] : []))
