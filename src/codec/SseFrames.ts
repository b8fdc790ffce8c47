/**
 * SseFrames: the bytes of a server-sent event stream, cut where its events end, and nothing of them changed.
 *
 * **Details**
 *
 * An event ends with an empty line; lines end with LF or with CRLF. What is not whole yet is kept, up to `MAX_FRAME`.
 *
 * **Source:** HTML Living Standard, server-sent events.
 */

/** The longest event that is kept until it is whole. Bytes. */
export const MAX_FRAME = 32 * 1024 * 1024

const LF = 0x0a
const CR = 0x0d

/** Whole events, one after the other. */
export interface Framed {
  readonly bytes: Uint8Array
  /** Where each of them ends in `bytes`; the first begins at 0. */
  readonly ends: ReadonlyArray<number>
}

const none: Framed = { bytes: new Uint8Array(), ends: [] }

export class SseFrames {
  /** An event that is not whole yet, joined only once it is: a long one is not copied with every chunk. */
  #rest: Array<Uint8Array> = []
  #length = 0
  /** Its last two bytes. */
  #last: readonly [number, number] = [LF, LF]

  /** The events that are whole now; null once one is too long to be kept. */
  push(chunk: Uint8Array): Framed | null {
    const before = this.#length
    const first = this.#firstEnd(chunk)
    if (first === -1) return this.#keep(chunk) ? none : null
    const bytes = before === 0 ? chunk : join([...this.#rest, chunk])
    const ends = [before + first + 1]
    for (let at = bytes.indexOf(LF, before + first + 1); at !== -1; at = bytes.indexOf(LF, at + 1)) {
      if (isEmptyLine(bytes, at, ends.at(-1) ?? 0)) ends.push(at + 1)
    }
    this.#rest = []
    this.#length = 0
    this.#last = [LF, LF]
    return this.#keep(bytes.subarray(ends.at(-1) ?? 0)) ? { bytes, ends } : null
  }

  /** Where the event that has begun ends in a chunk; -1: nowhere. */
  #firstEnd(chunk: Uint8Array): number {
    const [last, lastButOne] = this.#last
    const at = (index: number) => (index >= 0 ? chunk[index] : index === -1 ? last : index === -2 ? lastButOne : LF)
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, end + 1)) {
      if (at(end - 1) === LF || (at(end - 1) === CR && at(end - 2) === LF)) return end
    }
    return -1
  }

  /** False where that is too much. */
  #keep(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true
    this.#rest.push(bytes)
    this.#length += bytes.length
    this.#last = [bytes.at(-1) ?? LF, bytes.length > 1 ? (bytes.at(-2) ?? LF) : this.#last[0]]
    return this.#length <= MAX_FRAME
  }
}

/** Whether the line that ends at `at` holds nothing. @param start where the event begins */
const isEmptyLine = (bytes: Uint8Array, at: number, start: number): boolean => {
  const before = bytes[at - 1] === CR && at > start ? at - 2 : at - 1
  return before < start || bytes[before] === LF
}

/** One after the other. */
export const join = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const named = "event:"
const decoder = new TextDecoder()

/** What an event says: its name, and its data where it has any. */
export interface SseEvent {
  readonly name: string | null
  readonly data: string | null
}

/** The name of an event that begins with it, as all of Anthropic's do; null: read it whole. */
export const leadingName = (bytes: Uint8Array, from: number, to: number): string | null => {
  for (let at = 0; at < named.length; at++) if (bytes[from + at] !== named.charCodeAt(at)) return null
  let start = from + named.length
  if (bytes[start] === 0x20) start++
  let name = ""
  for (let at = start; at < to && at < start + 64; at++) {
    const byte = bytes[at] ?? LF
    if (byte === LF || byte === CR) return name
    name += String.fromCharCode(byte)
  }
  return null
}

/** An event, read whole. */
export const readEvent = (frame: Uint8Array): SseEvent => {
  let name: string | null = null
  const data: Array<string> = []
  for (const line of decoder.decode(frame).split(/\r?\n/)) {
    const field = /^(event|data)(?:: ?|$)/.exec(line)
    if (field === null) continue
    const value = line.slice(field[0].length)
    if (field[1] === "event") name = value
    else data.push(value)
  }
  return { name, data: data.length === 0 ? null : data.join("\n") }
}

/** The same event with other data; its other lines, and the way its lines end, stay. */
export const withData = (frame: Uint8Array, data: string): Uint8Array => {
  const lines = decoder.decode(frame).split("\n")
  const isData = (line: string) => line.startsWith("data:")
  const at = lines.findIndex(isData)
  const ending = lines[at]?.endsWith("\r") === true ? "\r" : ""
  const prefix = lines[at]?.startsWith("data: ") === true ? "data: " : "data:"
  const written = data.split("\n").map((line) => `${prefix}${line}${ending}`)
  const others = lines.filter((line, index) => index > at && !isData(line))
  return new TextEncoder().encode([...lines.slice(0, Math.max(0, at)), ...written, ...others].join("\n"))
}
