/**
 * MessageAccumulator: the events of an answer, added up to its content blocks, for clients that do not stream.
 *
 * **Source:** Anthropic Messages API: a streamed answer and a whole one say the same.
 */
import { type ContentBlock, type ContentDelta, type ContentEvent, deltaText } from "../message/MessageEvent.ts"

/** Longest answer that is kept whole. Characters of text, thinking and JSON; of a longer one nothing is answered. */
export const MAX_ANSWER = 32 * 1024 * 1024

/** The block that is being filled. */
interface Filling {
  readonly block: ContentBlock
  /** Of text or thinking the text, of a call its input's JSON. */
  text: string
  signature: string
}

export class MessageAccumulator {
  readonly #blocks: Array<ContentBlock> = []
  #filling: Filling | null = null
  #size = 0

  /** False once the answer is longer than `MAX_ANSWER`: it can no longer be given, and no more is kept. */
  push(events: ReadonlyArray<ContentEvent>): boolean {
    for (const event of events) {
      if (this.#size > MAX_ANSWER) return false
      if (event.type === "content_block_start") this.#begin(event.content_block)
      else if (event.type === "content_block_delta") this.#add(event.delta)
      else this.#end()
    }
    return this.#size <= MAX_ANSWER
  }

  /**
   * The content. A call whose input is not whole is left out: run with half an input, or none, it would do something
   * that nobody asked for.
   */
  finish(): ReadonlyArray<ContentBlock> {
    this.#end()
    return this.#blocks
  }

  #begin(block: ContentBlock): void {
    this.#end()
    this.#filling = { block, text: "", signature: "" }
    if (block.type === "redacted_thinking") this.#size += block.data.length
    if (block.type === "web_search_tool_result") this.#size += JSON.stringify(block.content).length
  }

  #add(delta: ContentDelta): void {
    const filling = this.#filling
    if (filling === null) return
    const text = deltaText(delta)
    this.#size += text.length
    if (delta.type === "signature_delta") filling.signature += text
    else filling.text += text
  }

  #end(): void {
    const filling = this.#filling
    this.#filling = null
    const block = filling === null ? null : fill(filling)
    if (block !== null) this.#blocks.push(block)
  }
}

/** The block with all that came for it, or null for a call that was cut off. */
const fill = ({ block, text, signature }: Filling): ContentBlock | null => {
  switch (block.type) {
    case "text":
      return { ...block, text: block.text + text }
    case "thinking":
      return { ...block, thinking: block.thinking + text, signature: block.signature + signature }
    case "tool_use":
    case "server_tool_use": {
      if (text === "") return block
      const input = parse(text)
      return input === undefined ? null : { ...block, input }
    }
    case "redacted_thinking":
    case "web_search_tool_result":
      return block
  }
}

const parse = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
