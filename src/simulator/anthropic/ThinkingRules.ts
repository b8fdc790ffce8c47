/**
 * ThinkingRules: what thinking asks of the rest of a request, and that thinking which comes back came from here.
 *
 * **Source:** Anthropic's documentation of extended thinking; error messages of the API, as clients recorded them.
 */
import { type ApiError, invalid } from "./ApiError.ts"
import { type Turn, turnsOf } from "./ConversationRules.ts"
import { type Block, type MessagesBody, textMember } from "./MessagesBody.ts"

/** Whether thinking is the simulator's own: the block's signature, or its data where it is redacted. */
export type Proves = (block: Block) => boolean

/** The first rule that a request breaks, or null. */
export const findThinkingFault = (body: MessagesBody, proves: Proves): ApiError | null => {
  const fault = findSettingFault(body) ?? findForeign(body, proves) ?? findBareLoop(body)
  return fault === null ? null : invalid(fault)
}

const findSettingFault = ({ max_tokens, temperature, thinking, tool_choice }: MessagesBody): string | null => {
  if (thinking?.type !== "enabled" && thinking?.type !== "adaptive") return null
  if (max_tokens !== undefined && thinking.budget_tokens !== undefined && thinking.budget_tokens >= max_tokens) {
    return "`max_tokens` must be greater than `thinking.budget_tokens`."
  }
  if (tool_choice?.type === "any" || tool_choice?.type === "tool") {
    return "Thinking may not be enabled when tool_choice forces tool use."
  }
  return temperature === undefined || temperature === 1
    ? null
    : "`temperature` may only be set to 1 when thinking is enabled."
}

const findForeign = ({ messages }: MessagesBody, proves: Proves): string | null => {
  for (const { blocks, role } of turnsOf(messages)) {
    for (const { block, index, message } of blocks) {
      const member = memberOf(block)
      if (member === null) continue
      const at = `messages.${message}.content.${index}`
      if (role === "user") return `${at}: \`${block.type}\` blocks are not permitted in user messages`
      if (!proves(block)) return `${at}: Invalid \`${member}\` in \`${block.type}\` block`
    }
  }
  return null
}

const memberOf = ({ type }: Block): "signature" | "data" | null =>
  type === "thinking" ? "signature" : type === "redacted_thinking" ? "data" : null

/**
 * A loop of tool calls that is under way is one turn of the model's, however many messages it has, and begins with what
 * the model thought. With adaptive thinking it may have thought nothing.
 */
const findBareLoop = ({ messages, thinking }: MessagesBody): string | null => {
  if (thinking?.type !== "enabled") return null
  const turns = turnsOf(messages)
  const asked = turns.findLastIndex((turn) => turn.role === "user" && !bringsResults(turn))
  const first = turns[asked + 1]?.blocks[0]
  if (first === undefined || memberOf(first.block) !== null) return null
  return (
    `messages.${first.message}.content.${first.index}.type: Expected \`thinking\` or \`redacted_thinking\`, but found ` +
    `\`${first.block.type}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block ` +
    "(preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from " +
    "previous turns. To avoid this requirement, disable `thinking`."
  )
}

const bringsResults = (turn: Turn): boolean => turn.blocks.some(({ block }) => block.type === "tool_result")

/** The signature or data of a block of thinking, and the text it is for; null for any other block. */
export const proofOf = (block: Block): { readonly proof: string; readonly text: string } | null => {
  const member = memberOf(block)
  return member === null ? null : { proof: textMember(block, member), text: textMember(block, "thinking") }
}
