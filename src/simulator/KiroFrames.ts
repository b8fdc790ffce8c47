/**
 * KiroFrames: the frames of Kiro's answers.
 *
 * **Source:** AWS event stream encoding; union `ChatResponseStream` of AWS's published model.
 */
import { encodeFrame } from "../codec/EventStreamFraming.ts"

const JSON_TYPE = [":content-type", "application/json"] as const

/** An event of the given type. */
export const eventFrame = (type: string, payload: unknown): Uint8Array =>
  encodeFrame([[":event-type", type], JSON_TYPE, [":message-type", "event"]], JSON.stringify(payload) ?? "{}")

/** An exception that ends the stream. */
export const exceptionFrame = (type: string, payload: Readonly<Record<string, string>>): Uint8Array =>
  encodeFrame([[":exception-type", type], JSON_TYPE, [":message-type", "exception"]], JSON.stringify(payload))

/** An error outside the model that ends the stream. */
export const errorFrame = (code: string, message: string): Uint8Array =>
  encodeFrame(
    [
      [":error-code", code],
      [":error-message", message],
      [":message-type", "error"]
    ],
    ""
  )

/** Which part of a frame is made wrong. */
export type Corruption = "prelude" | "length" | "headers" | "payload" | "crc"

/** A copy of a frame with one byte wrong; `length` announces a frame that is too long to be one. */
export const corrupted = (frame: Uint8Array, where: Corruption): Uint8Array => {
  const bytes = Buffer.from(frame)
  const headersLength = bytes.readUInt32BE(4)
  if (where === "length") bytes.writeUInt32BE(0x7fffffff, 0)
  else flip(bytes, { prelude: 8, headers: 14, payload: 12 + headersLength, crc: bytes.length - 1 }[where])
  return bytes
}

const flip = (bytes: Buffer, at: number): void => {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x01, at)
}
