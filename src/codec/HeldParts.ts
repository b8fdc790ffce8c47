/**
 * HeldParts: what an upstream says while a tool call is open and that belongs to another block.
 *
 * Blocks of an answer never overlap, so these parts wait until the call has ended. They come out block by block, in
 * the order in which the blocks began.
 */
import type { ResponsePart } from "../message/ResponsePart.ts"

/** Most that is held, in characters of text and JSON, with `PART_CHARGE` for each part. */
export const MAX_HELD = 4 * 1024 * 1024
/** What a part counts beside its text, so that empty ones are bounded too. */
export const PART_CHARGE = 64

/** The parts of one call, or of what came between two. */
interface HeldBlock {
  readonly parts: Array<ResponsePart>
  readonly isTool: boolean
  size: number
}

export class HeldParts {
  readonly #blocks: Array<HeldBlock> = []
  readonly #tools = new Map<string, HeldBlock>()
  #size = 0

  /** False, and the part is not taken, where more than `MAX_HELD` would be held. */
  add(part: ResponsePart): boolean {
    const size = PART_CHARGE + sizeOf(part)
    if (this.#size + size > MAX_HELD) return false
    const block = this.#blockOf(part)
    if (block === undefined) return true
    block.parts.push(part)
    block.size += size
    this.#size += size
    return true
  }

  /**
   * The parts of the first block, which are then no longer held, or null.
   *
   * Those of a call that has not ended yet are given out too: what follows of it is the caller's to take.
   */
  shift(): ReadonlyArray<ResponsePart> | null {
    const block = this.#blocks.shift()
    if (block === undefined) return null
    this.#size -= block.size
    const first = block.parts[0]
    if (first?.kind === "tool_start") this.#tools.delete(first.id)
    return block.parts
  }

  /** Undefined for a part of a call that never began. */
  #blockOf(part: ResponsePart): HeldBlock | undefined {
    switch (part.kind) {
      case "tool_input":
      case "tool_stop":
        return this.#tools.get(part.id)
      case "tool_start": {
        const block = this.#begin(true)
        this.#tools.set(part.id, block)
        return block
      }
      default: {
        const last = this.#blocks.at(-1)
        return last === undefined || last.isTool ? this.#begin(false) : last
      }
    }
  }

  #begin(isTool: boolean): HeldBlock {
    const block = { parts: [], isTool, size: 0 }
    this.#blocks.push(block)
    return block
  }
}

const sizeOf = (part: ResponsePart): number => {
  switch (part.kind) {
    case "text":
    case "thinking":
      return part.text.length
    case "signature":
      return part.signature.length
    case "redacted_thinking":
      return part.data.length
    case "tool_start":
      return part.id.length + part.name.length
    case "tool_input":
      return part.json.length
    case "tool_stop":
      return 0
    case "server_tool":
      return JSON.stringify(part.input).length
    case "search_result":
      return JSON.stringify(part.content).length
  }
}
