/**
 * PromptBlocks: a request as the sequence that a prompt cache sees, with a rough count of its tokens.
 *
 * Tools, then system, then messages. One token is four bytes of JSON, which is wrong and always the same.
 *
 * **Source:** Anthropic's documentation of prompt caching: order, breakpoints, what changes which level.
 */
import { type ApiError, invalid } from "./ApiError.ts"
import { type Block, blocksOf, type CacheControl, type MessagesBody } from "./MessagesBody.ts"
import { isObject } from "./Shape.ts"

const MAX_BREAKPOINTS = 4
/** Tokens of an image or a document that is not given as text, whatever its size. */
const REFERENCE_TOKENS = 1_600

export type Ttl = "5m" | "1h"

/** One stretch of the prompt that a cache entry may end behind. */
export interface PromptBlock {
  /** JSON with sorted keys, without `cache_control`. */
  readonly text: string
  readonly tokens: number
  /** How long what ends here is to be kept; null: no breakpoint stands here. */
  readonly keep: Ttl | null
}

/** Tokens of a text. */
export const countTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4)

/** Tokens of a content block of an answer: of what the model wrote. */
export const countBlock = (block: Block): number => {
  const written = block["text"] ?? block["thinking"] ?? block["data"]
  return countTokens(typeof written === "string" ? written : encode(block["input"] ?? block))
}

/** The prompt of a request, in the order it is cached in. */
export const promptBlocks = (body: MessagesBody): ReadonlyArray<PromptBlock> => {
  const { messages, output_config, system, thinking, tool_choice, tools } = body
  const blocks: Array<PromptBlock> = [setting({ format: output_config?.format })]
  for (const tool of tools ?? []) blocks.push(promptBlock(tool, "tool"))
  for (const block of blocksOf(system)) blocks.push(promptBlock(block, "system"))
  blocks.push(setting({ thinking, tool_choice }))
  for (const { content, role } of messages) {
    for (const block of blocksOf(content)) blocks.push(promptBlock(block, role))
  }
  return body.cache_control === undefined || body.cache_control === null ? blocks : markLast(blocks, body.cache_control)
}

/** Tokens of all of it. */
export const totalTokens = (blocks: ReadonlyArray<PromptBlock>): number =>
  blocks.reduce((sum, { tokens }) => sum + tokens, 0)

/** The first rule about breakpoints that a request breaks, or null. */
export const findBreakpointFault = (body: MessagesBody): ApiError | null => {
  const blocks = [
    ...(body.tools ?? []),
    ...blocksOf(body.system),
    ...body.messages.flatMap((it) => blocksOf(it.content))
  ]
  const controls = blocks.flatMap((block) => controlsIn(block))
  const all =
    body.cache_control === undefined || body.cache_control === null ? controls : [...controls, body.cache_control]
  if (all.length > MAX_BREAKPOINTS) {
    return invalid(`A maximum of ${MAX_BREAKPOINTS} blocks with cache_control may be provided. Found ${all.length}.`)
  }
  const short = all.findIndex((control) => ttlOf(control) === "5m")
  if (short !== -1 && all.slice(short).some((control) => ttlOf(control) === "1h")) {
    return invalid(
      "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. " +
        "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
    )
  }
  return blocks.some((block) => block["text"] === "" && controlsIn(block).length > 0)
    ? invalid("cache_control cannot be set for empty text blocks")
    : null
}

/** The breakpoint of a block, and those inside a tool's result. */
const controlsIn = (block: Readonly<Record<string, unknown>>): ReadonlyArray<CacheControl> => {
  const { cache_control: control, content } = block
  const inner = Array.isArray(content) ? content.filter(isObject).flatMap((each) => controlsIn(each)) : []
  return isControl(control) ? [...inner, control] : inner
}

const isControl = (value: unknown): value is CacheControl => isObject(value) && value["type"] === "ephemeral"

const ttlOf = (control: CacheControl): Ttl => control.ttl ?? "5m"

/** What is no content and yet part of what must be the same. */
const setting = (value: object): PromptBlock => ({ text: encode(value), tokens: 0, keep: null })

const promptBlock = (block: Readonly<Record<string, unknown>>, role: string): PromptBlock => {
  const control = controlsIn(block).at(-1)
  const { references, text, tokens } = measure(block)
  return {
    text: `${role}\0${text}`,
    tokens: tokens + references * REFERENCE_TOKENS,
    keep: control === undefined ? null : ttlOf(control)
  }
}

const measure = (block: Readonly<Record<string, unknown>>) => {
  const text = encode(block)
  const references = (text.match(/"type":"(?:file|url|base64)"/g) ?? []).length
  // What a picture costs does not depend on its bytes.
  const readable = references === 0 ? text : text.replaceAll(/"data":"[\w+/=-]*"/g, "")
  return { text, tokens: countTokens(readable), references }
}

const markLast = (blocks: ReadonlyArray<PromptBlock>, control: CacheControl): ReadonlyArray<PromptBlock> =>
  blocks.map((block, index) => (index === blocks.length - 1 ? { ...block, keep: block.keep ?? ttlOf(control) } : block))

const encode = (value: unknown): string => JSON.stringify(value, sorted)

const sorted = (key: string, value: unknown): unknown => {
  if (key === "cache_control") return undefined
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
