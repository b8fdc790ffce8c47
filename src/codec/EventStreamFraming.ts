/**
 * EventStreamFraming: `application/vnd.amazon.eventstream`, bytes to frames and back.
 *
 * A frame is a prelude (total length, headers length, checksum of both), headers, a payload, and a checksum of all
 * before it; integers are big-endian.
 *
 * **Source:** AWS event stream encoding, as published for Smithy's `application/vnd.amazon.eventstream`.
 */
import { crc32, crc32Short } from "./Crc32.ts"
import { FrameHeaders } from "./FrameHeaders.ts"

/** Longest frame that is read or written, in bytes: AWS's own limit. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** Longest header block that is read or written, in bytes: AWS's own limit. */
export const MAX_HEADERS_BYTES = 128 * 1024

const PRELUDE_BYTES = 12
const CHECKSUM_BYTES = 4
const OVERHEAD_BYTES = PRELUDE_BYTES + CHECKSUM_BYTES
const STRING_HEADER = 7
const MIN_BUFFER_BYTES = 1024
/** A buffer for remainders that grew past this is given back after its frame. */
const KEPT_BUFFER_BYTES = 64 * 1024
const EMPTY = Buffer.alloc(0)

/**
 * What makes bytes not a frame:
 * - `frame_length`: shorter than a frame can be, longer than one may be, or headers that don't fit
 * - `prelude_checksum`, `frame_checksum`: the bytes are not those that were sent
 * - `frame_headers`: the header block does not parse although its checksum is right
 */
export type FramingError = "frame_length" | "prelude_checksum" | "frame_checksum" | "frame_headers"

/**
 * One whole frame whose checksums are right.
 *
 * **Gotchas**
 *
 * It looks into the bytes it was read from and is valid only until the callback that received it returns.
 */
export class Frame {
  /** The headers of type string; all others are skipped. Of headers with the same name the last one counts. */
  readonly headers: ReadonlyMap<string, string>
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number

  constructor(headers: ReadonlyMap<string, string>, bytes: Buffer, start: number, end: number) {
    this.headers = headers
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** The payload, not copied. */
  get payload(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /** The payload as UTF-8 text. Only whole frames are decoded, so no character is ever cut in two. */
  text(): string {
    return this.#bytes.toString("utf8", this.#start, this.#end)
  }
}

/**
 * Reads frames from chunks cut anywhere.
 *
 * Frames that lie whole inside a chunk are read where they lie; only the beginning of a frame whose end has not come
 * yet is copied, so at most `MAX_FRAME_BYTES` are held.
 *
 * **Gotchas**
 *
 * The first error is the last thing it says: it does not look for the next frame behind a broken one. What was lost
 * may have been text, and an answer with a hole in it must not look whole.
 */
export class FrameDecoder {
  readonly #headers = new FrameHeaders()
  /** The beginning of a frame: its first `#held` bytes. */
  #buffer: Buffer = EMPTY
  #held = 0
  #error: FramingError | null = null

  /**
   * Takes the next bytes and calls `onFrame` for every frame that is whole by now, in order.
   *
   * @returns the error that ended the stream, now or earlier, or null
   */
  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): FramingError | null {
    if (this.#error !== null) return this.#error
    const bytes = chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    if (this.#held > 0) {
      at = this.#hold(bytes, 0, PRELUDE_BYTES)
      if (this.#held < PRELUDE_BYTES) return null
      const length = frameLength(this.#buffer, 0)
      if (typeof length !== "number") return this.#fail(length)
      at = this.#hold(bytes, at, length)
      if (this.#held < length) return null
      const error = this.#emit(this.#buffer, 0, length, onFrame)
      if (error !== null) return error
      this.#held = 0
      if (this.#buffer.length > KEPT_BUFFER_BYTES) this.#buffer = EMPTY
    }
    while (bytes.length - at >= PRELUDE_BYTES) {
      const length = frameLength(bytes, at)
      if (typeof length !== "number") return this.#fail(length)
      if (bytes.length - at < length) break
      const error = this.#emit(bytes, at, length, onFrame)
      if (error !== null) return error
      at += length
    }
    if (at < bytes.length) this.#hold(bytes, at, bytes.length - at)
    return null
  }

  /** To be asked at the end of the bytes: `truncated` if the last frame's end never came, or after an error. */
  finish(): "complete" | "truncated" {
    return this.#held === 0 && this.#error === null ? "complete" : "truncated"
  }

  /**
   * Copies bytes from `at` until `wanted` are held or no more are there; returns the offset behind those taken.
   * Grows by doubling, so that a length alone never makes it allocate 16 MiB.
   */
  #hold(bytes: Buffer, at: number, wanted: number): number {
    const end = Math.min(bytes.length, at + Math.max(0, wanted - this.#held))
    const held = this.#held + end - at
    if (this.#buffer.length < held) {
      const grown = Buffer.allocUnsafe(Math.max(MIN_BUFFER_BYTES, held, Math.min(wanted, this.#buffer.length * 2)))
      this.#buffer.copy(grown, 0, 0, this.#held)
      this.#buffer = grown
    }
    bytes.copy(this.#buffer, this.#held, at, end)
    this.#held = held
    return end
  }

  #emit(bytes: Buffer, at: number, length: number, onFrame: (frame: Frame) => void): FramingError | null {
    const end = at + length - CHECKSUM_BYTES
    if (crc32(bytes.subarray(at, end)) !== readUint32(bytes, end)) return this.#fail("frame_checksum")
    const start = at + PRELUDE_BYTES + readUint32(bytes, at + 4)
    const headers = this.#headers.read(bytes, at + PRELUDE_BYTES, start)
    if (headers === null) return this.#fail("frame_headers")
    onFrame(new Frame(headers, bytes, start, end))
    return null
  }

  #fail(error: FramingError): FramingError {
    this.#error = error
    this.#held = 0
    this.#buffer = EMPTY
    return error
  }
}

/**
 * One frame with headers of type string.
 *
 * @throws RangeError where a header or the frame is longer than the format allows: a mistake of the program
 */
export const encodeFrame = (
  headers: ReadonlyArray<readonly [name: string, value: string]>,
  payload: Uint8Array | string
): Uint8Array => {
  const body = typeof payload === "string" ? Buffer.from(payload, "utf8") : payload
  let headersLength = 0
  for (const [name, value] of headers) headersLength += headerLength(name, value)
  const length = OVERHEAD_BYTES + headersLength + body.length
  if (headersLength > MAX_HEADERS_BYTES || length > MAX_FRAME_BYTES) throw new RangeError("the frame is too long")
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeUInt32BE(length, 0)
  bytes.writeUInt32BE(headersLength, 4)
  bytes.writeUInt32BE(crc32Short(bytes, 0, 8), 8)
  let at = PRELUDE_BYTES
  for (const [name, value] of headers) {
    const nameLength = bytes.write(name, at + 1)
    bytes.writeUInt8(nameLength, at)
    at += 1 + nameLength
    const valueLength = bytes.write(value, at + 3)
    bytes.writeUInt8(STRING_HEADER, at)
    bytes.writeUInt16BE(valueLength, at + 1)
    at += 3 + valueLength
  }
  bytes.set(body, at)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, length - CHECKSUM_BYTES)), length - CHECKSUM_BYTES)
  return bytes
}

const headerLength = (name: string, value: string): number => {
  const nameLength = Buffer.byteLength(name)
  const valueLength = Buffer.byteLength(value)
  if (nameLength === 0 || nameLength > 0xff) throw new RangeError("a header's name has 1 to 255 bytes")
  if (valueLength > 0xffff) throw new RangeError("a header's value has at most 65535 bytes")
  return 1 + nameLength + 3 + valueLength
}

/** The total length that the prelude at `at` tells, once it is known to be right. */
const frameLength = (bytes: Buffer, at: number): number | FramingError => {
  if (crc32Short(bytes, at, 8) !== readUint32(bytes, at + 8)) return "prelude_checksum"
  const length = readUint32(bytes, at)
  const headersLength = readUint32(bytes, at + 4)
  return length > MAX_FRAME_BYTES || headersLength > MAX_HEADERS_BYTES || headersLength + OVERHEAD_BYTES > length
    ? "frame_length"
    : length
}

/** Without `Buffer.readUInt32BE`'s checks: the caller knows that four bytes are there. */
const readUint32 = (bytes: Buffer, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
