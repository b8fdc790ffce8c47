/**
 * PromptBlocks: a request as the sequence that a prompt cache sees, with a rough count of its tokens.
 *
 * Tools come first wherever the wire has them, then history, then the current message. Ids of the conversation, the
 * model and the origin are no part of the prompt. One token is four bytes of UTF-8, which is wrong and always the same.
 */
import type { AssistantResponseMessage, KiroRequest, UserInputMessage } from "./KiroShape.ts"

/** Tokens an image counts for, whatever its size. */
const IMAGE_TOKENS = 1_600

/** One stretch of the prompt that a cache entry may end behind. */
export interface PromptBlock {
  /** JSON without white space; keys are sorted where the request has cache points. */
  readonly text: string
  readonly tokens: number
  /** Content blocks it stands for, at least 1. */
  readonly weight: number
  /** Whether a cache point stands behind it. */
  readonly point: boolean
}

/** Tokens of a text. */
export const countTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4)

/** The prompt of a request, in the order it is cached in. */
export const promptBlocks = (request: KiroRequest): ReadonlyArray<PromptBlock> => {
  const { currentMessage, history } = request.conversationState
  // Sorting keys is most of the work and only matters to what will be hashed.
  const encode = countPoints(request) === 0 ? plainJson : canonicalJson
  const blocks: Array<PromptBlock> = []
  if ("userInputMessage" in currentMessage) {
    for (const tool of currentMessage.userInputMessage.userInputMessageContext?.tools ?? []) {
      if ("toolSpecification" in tool) blocks.push(block(encode, "tool", tool.toolSpecification, 1))
      else markLast(blocks)
    }
  }
  for (const message of [...(history ?? []), currentMessage]) {
    blocks.push(
      "userInputMessage" in message
        ? userBlock(encode, message.userInputMessage)
        : assistantBlock(encode, message.assistantResponseMessage)
    )
  }
  return blocks
}

/** How many cache points a request has. */
export const countPoints = (request: KiroRequest): number => {
  const { currentMessage, history } = request.conversationState
  let points = 0
  for (const message of [...(history ?? []), currentMessage]) {
    const inner = "userInputMessage" in message ? message.userInputMessage : message.assistantResponseMessage
    if (inner.cachePoint !== undefined && inner.cachePoint !== null) points++
    if (!("userInputMessage" in message)) continue
    for (const tool of message.userInputMessage.userInputMessageContext?.tools ?? []) if ("cachePoint" in tool) points++
  }
  return points
}

type Encode = (value: unknown) => string

const userBlock = (encode: Encode, message: UserInputMessage): PromptBlock => {
  const { tools: _, ...context } = message.userInputMessageContext ?? {}
  const { content, documents } = message
  const pictures = (message.images ?? []).map((image) => image.source.bytes)
  const text = block(encode, "user", { content, documents, ...context }, 1 + (context.toolResults?.length ?? 0))
  return {
    text: pictures.length === 0 ? text.text : text.text + encode(pictures),
    tokens: text.tokens + pictures.length * IMAGE_TOKENS,
    weight: text.weight + pictures.length,
    point: isPoint(message)
  }
}

const assistantBlock = (encode: Encode, message: AssistantResponseMessage): PromptBlock => {
  const { content, toolUses, reasoningContent } = message
  const text = block(encode, "assistant", { content, toolUses, reasoningContent }, 1 + (toolUses?.length ?? 0))
  return { ...text, point: isPoint(message) }
}

const block = (encode: Encode, role: string, value: object, weight: number): PromptBlock => {
  const text = encode({ role, ...value })
  return { text, tokens: countTokens(text), weight, point: false }
}

const isPoint = (message: UserInputMessage | AssistantResponseMessage): boolean =>
  message.cachePoint !== undefined && message.cachePoint !== null

const markLast = (blocks: Array<PromptBlock>): void => {
  const last = blocks.pop()
  if (last !== undefined) blocks.push({ ...last, point: true })
}

const plainJson: Encode = (value) => JSON.stringify(value)
const canonicalJson: Encode = (value) => JSON.stringify(value, sorted)

const sorted = (_: string, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).filter(([, member]) => member !== undefined && member !== null)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
