/**
 * RequestEstimate: about how many tokens a request is, where no upstream has counted them.
 *
 * Counted are the system prompt, tools, and every content block: text, tool calls and answers, thinking, pictures by
 * their size, documents by theirs. One pass over the request, in time proportional to its bytes.
 */
import type { ContentBlockParam, ToolResultContentParam } from "./ContentBlockParam.ts"
import { imageSize } from "./ImageSize.ts"
import {
  type DocumentBlock,
  type ImageBlock,
  isKnownBlock,
  isKnownResultBlock,
  type KnownBlock,
  type KnownResultBlock
} from "./KnownBlock.ts"
import { type CountTokensRequest, outputFormat } from "./MessagesRequest.ts"
import { TextCounter } from "./TokenEstimate.ts"

/** Tokens around each message and each tool. */
const framing = 4
/** Most tokens of a picture, and what one of unknown size counts. Larger ones are scaled down before they are read. */
const maxImageTokens = 1600
/** Pixels of a picture for each of its tokens. Source: Anthropic, "Vision". */
const pixelsPerToken = 750
/** Bytes for each token of a document that is text, and of any other, whose pages are read as text and as pictures. */
const bytesPerToken = { text: 4, file: 24 }

/** Tokens of the request's input; at least 1. */
export const estimateInput = (request: CountTokensRequest): number => {
  const count = new RequestCount()
  if (typeof request.system === "string") count.text(request.system)
  else for (const block of request.system ?? []) count.text(block.text)
  for (const tool of request.tools ?? []) count.tool(tool)
  count.rest(request)
  for (const message of request.messages) {
    count.message()
    if (typeof message.content === "string") count.text(message.content)
    else for (const block of message.content) count.block(block)
  }
  return Math.max(1, count.total)
}

/** Counts a request part by part, in whatever order; the sum so far is never less than it was. */
export class RequestCount {
  /** Tokens that are not counted by characters. */
  tokens = 0
  readonly #texts = new TextCounter()

  get total(): number {
    return this.tokens + this.#texts.tokens
  }

  text(text: string): void {
    this.#texts.add(text)
  }

  json(value: unknown): void {
    this.text(JSON.stringify(value) ?? "")
  }

  tool(tool: NonNullable<CountTokensRequest["tools"]>[number]): void {
    this.tokens += framing
    if (tool.name === undefined) return
    this.text(tool.name)
    this.text(tool.description ?? "")
    if (tool.input_schema !== undefined) this.json(tool.input_schema)
  }

  /** What stands around a message's content. */
  message(): void {
    this.tokens += framing
  }

  /** What is neither system prompt, tool nor message. */
  rest(request: CountTokensRequest): void {
    const schema = outputFormat(request)?.schema
    if (schema !== undefined && schema !== null) this.json(schema)
  }

  block(block: ContentBlockParam): void {
    if (isKnownBlock(block)) this.#known(block)
    else this.json(block)
  }

  #known(block: KnownBlock): void {
    switch (block.type) {
      case "thinking":
        return this.text(block.thinking)
      case "redacted_thinking":
        this.tokens += base64Tokens(block.data, bytesPerToken.text)
        return
      case "tool_use":
      case "server_tool_use":
        this.text(block.name)
        return this.json(block.input)
      case "tool_result":
        if (typeof block.content === "string") this.text(block.content)
        else for (const inner of block.content ?? []) this.#inResult(inner)
        return
      case "web_search_tool_result":
        if (!("error_code" in block.content)) {
          for (const result of block.content) {
            this.text(result.title)
            this.text(result.url)
            this.tokens += base64Tokens(result.encrypted_content, bytesPerToken.text)
          }
        }
        return
      default:
        return this.#anywhere(block)
    }
  }

  #inResult(block: ToolResultContentParam): void {
    if (isKnownResultBlock(block)) this.#anywhere(block)
    else this.json(block)
  }

  #anywhere(block: KnownResultBlock): void {
    switch (block.type) {
      case "text":
        return this.text(block.text)
      case "image":
        this.tokens += imageTokens(block)
        return
      case "document":
        return this.#document(block)
      case "search_result":
        this.text(block.title)
        this.text(block.source)
        for (const part of block.content) this.text(part.text)
    }
  }

  #document({ context, source, title }: DocumentBlock): void {
    this.text(title ?? "")
    this.text(context ?? "")
    if (source.type === "text") return this.text(source.data)
    if (source.type === "base64") {
      const isText = source.media_type.startsWith("text/")
      this.tokens += base64Tokens(source.data, isText ? bytesPerToken.text : bytesPerToken.file)
    } else if (source.type === "content") {
      if (typeof source.content === "string") return this.text(source.content)
      for (const part of source.content) this.#anywhere(part)
    }
  }
}

const imageTokens = (block: ImageBlock): number => {
  const size = block.source.type === "base64" ? imageSize(block.source.data) : null
  if (size === null) return maxImageTokens
  return Math.min(maxImageTokens, Math.ceil((size.width * size.height) / pixelsPerToken))
}

const base64Tokens = (base64: string, perToken: number): number => Math.ceil((base64.length * 3) / 4 / perToken)
