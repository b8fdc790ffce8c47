/**
 * Crc32: the checksum of event-stream frames (ISO-HDLC, the one of zlib and Ethernet).
 *
 * Two ways to the same number: zlib for whole frames, a table in JavaScript for the eight bytes of a prelude, where
 * the call into native code would cost ten times the work.
 */
import { crc32 as zlibCrc32 } from "node:zlib"

/** The checksum of all of `bytes`, as an unsigned 32-bit integer. */
export const crc32 = (bytes: Uint8Array): number => zlibCrc32(bytes)

/** The checksum of the `length` bytes from `start`; for a few bytes only. The range must lie inside `bytes`. */
export const crc32Short = (bytes: Uint8Array, start: number, length: number): number => {
  let crc = 0xffffffff
  for (let at = start; at < start + length; at++) {
    crc = (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  }
  return (crc ^ 0xffffffff) >>> 0
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})
