/**
 * FrameHeaders: the header block of an event-stream frame.
 *
 * Each header is a name (length in one byte), a type in one byte, and a value whose size the type tells.
 *
 * **Source:** AWS event stream encoding, as published for Smithy's `application/vnd.amazon.eventstream`.
 */

/** Bytes of a value by its type's number; for `VARIABLE` two bytes of length come first. */
const VARIABLE = -1
const VALUE_BYTES: ReadonlyArray<number> = [
  0, // true
  0, // false
  1, // int8
  2, // int16
  4, // int32
  8, // int64
  VARIABLE, // bytes
  VARIABLE, // string
  8, // timestamp
  16 // uuid
]
const STRING = 7

/**
 * Reads header blocks, and remembers the last one: nearly all frames of an answer carry the headers of the frame
 * before, and comparing bytes is several times cheaper than making six strings of them.
 */
export class FrameHeaders {
  #block: Buffer = Buffer.alloc(0)
  #headers: ReadonlyMap<string, string> = new Map()

  /** The headers of type string between two offsets, or null where the block does not parse. */
  read(bytes: Buffer, start: number, end: number): ReadonlyMap<string, string> | null {
    if (this.#isSame(bytes, start, end)) return this.#headers
    const headers = parse(bytes, start, end)
    if (headers === null) return null
    this.#block = Buffer.from(bytes.subarray(start, end))
    this.#headers = headers
    return headers
  }

  #isSame(bytes: Buffer, start: number, end: number): boolean {
    const block = this.#block
    if (block.length !== end - start) return false
    for (let at = 0; at < block.length; at++) {
      if (block[at] !== bytes[start + at]) return false
    }
    return true
  }
}

const parse = (bytes: Buffer, start: number, end: number): ReadonlyMap<string, string> | null => {
  const headers = new Map<string, string>()
  let at = start
  while (at < end) {
    const nameEnd = at + 1 + (bytes[at] ?? 0)
    if (nameEnd === at + 1 || nameEnd >= end) return null
    const type = bytes[nameEnd] ?? 0
    let value = nameEnd + 1
    let size = VALUE_BYTES[type]
    if (size === undefined) return null
    if (size === VARIABLE) {
      if (value + 2 > end) return null
      size = bytes.readUInt16BE(value)
      value += 2
    }
    if (value + size > end) return null
    if (type === STRING) {
      headers.set(bytes.toString("utf8", at + 1, nameEnd), bytes.toString("utf8", value, value + size))
    }
    at = value + size
  }
  return headers
}
