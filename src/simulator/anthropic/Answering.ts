/**
 * Answering: the whole message that answers a request, and its usage.
 */
import { randomUUID } from "node:crypto"
import { answer } from "./BuiltInAgent.ts"
import { type Block, textMember } from "./MessagesBody.ts"
import type { InputTokens } from "./PromptCache.ts"
import { countBlock } from "./PromptBlocks.ts"
import type { Prompt } from "./Prompt.ts"
import type { Rule } from "./Script.ts"
import type { JsonObject } from "./Shape.ts"
import { type Signatures, signatureOf, type Thinker } from "./Signatures.ts"
import type { AnsweredMessage } from "./StreamEvents.ts"
import type { Valid } from "./Validation.ts"

/** What an answer is made of beside the request. */
export interface Circumstances {
  readonly rule: Rule
  readonly prompt: Prompt
  readonly tokens: InputTokens
  readonly thinker: Thinker
  readonly signatures: Signatures
}

/** A message, and what of its usage is known when its stream starts and when it ends. */
export interface Composed {
  readonly message: AnsweredMessage
  readonly startUsage: JsonObject
  readonly endUsage: JsonObject
}

/** Makes the answer; the signatures in it are known from now on. */
export const compose = ({ body, model }: Valid, circumstances: Circumstances): Composed => {
  const { prompt, rule, signatures, thinker, tokens } = circumstances
  const chosen = scripted(rule, prompt) ?? answer(body, prompt)
  const isHidden = body.thinking?.display === "omitted"
  const content = chosen.content.map((block) => complete(isHidden ? hide(block) : block, thinker, signatures))
  const usage = usageOf(tokens, content, rule.usage ?? {})
  const message = {
    id: makeId("msg"),
    type: "message",
    role: "assistant",
    model: model.id,
    content,
    stop_reason: rule.stopReason === undefined ? chosen.stopReason : rule.stopReason,
    stop_sequence: rule.stopSequence ?? chosen.stopSequence,
    stop_details: rule.stopDetails ?? null,
    container: null,
    diagnostics: null,
    ...(body["context_management"] === undefined ? {} : { context_management: { applied_edits: [] } }),
    ...rule.message,
    usage: { ...usage.start, ...usage.end }
  }
  return { message, startUsage: usage.start, endUsage: usage.end }
}

/** A new id of some kind, e.g. `msg_sim…`. */
export const makeId = (kind: string): string => `${kind}_sim${randomUUID().replaceAll("-", "").slice(0, 21)}`

const scripted = (rule: Rule, prompt: Prompt) => {
  const isRaw = rule.sse !== undefined || rule.json !== undefined
  const callsTool = rule.content?.some(({ type }) => type === "tool_use") ?? false
  const followUp = rule.then ?? (callsTool ? undefined : rule.content)
  const content = isRaw ? [] : prompt.results.length > 0 ? followUp : rule.content
  if (content === undefined) return null
  const stopReason = content.some(({ type }) => type === "tool_use") ? "tool_use" : "end_turn"
  return { content, stopReason, stopSequence: null }
}

const hide = (block: Block): Block => (block.type === "thinking" ? { ...block, thinking: "" } : block)

/** Fills in what a script leaves to the simulator. */
const complete = (block: Block, thinker: Thinker, signatures: Signatures): Block => {
  const text = textMember(block, "thinking")
  switch (block.type) {
    case "thinking": {
      const signature = textMember(block, "signature") || signatureOf(thinker, text)
      signatures.remember(thinker, signature, text)
      return { ...block, signature }
    }
    case "redacted_thinking": {
      const data = textMember(block, "data") || Buffer.from(makeId("redacted")).toString("base64")
      signatures.remember(thinker, data, "")
      return { ...block, data }
    }
    case "tool_use":
      return { id: makeId("toolu"), input: {}, ...block }
    case "server_tool_use":
      return { id: makeId("srvtoolu"), input: {}, ...block }
    case "mcp_tool_use":
      return { id: makeId("mcptoolu"), input: {}, ...block }
    default:
      return block
  }
}

const usageOf = (
  { read, uncached, write1h, write5m }: InputTokens,
  content: ReadonlyArray<Block>,
  given: JsonObject
) => {
  const thought = content.filter(({ type }) => type === "thinking" || type === "redacted_thinking")
  const input = {
    input_tokens: uncached,
    cache_creation_input_tokens: write5m + write1h,
    cache_read_input_tokens: read
  }
  const start = {
    ...input,
    cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
    output_tokens: 1,
    service_tier: "standard",
    inference_geo: "not_available"
  }
  const end = {
    ...input,
    output_tokens: sum(content),
    ...(thought.length === 0 ? {} : { output_tokens_details: { thinking_tokens: sum(thought) } })
  }
  const changes = Object.entries(given)
  const atStart = changes.filter(([name]) => name in start && name !== "output_tokens")
  const atEnd = changes.filter(([name]) => name in end || !(name in start))
  return { start: { ...start, ...Object.fromEntries(atStart) }, end: { ...end, ...Object.fromEntries(atEnd) } }
}

const sum = (blocks: ReadonlyArray<Block>): number => blocks.reduce((total, block) => total + countBlock(block), 0)
