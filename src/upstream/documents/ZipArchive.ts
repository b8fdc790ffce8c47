/**
 * ZipArchive: the parts of a zip file, read by its directory and decompressed one at a time, on demand.
 *
 * All parts together may decompress to a bounded number of bytes. zlib itself stops at the bound, whatever sizes the
 * file claims, so that a bomb never unfolds. Names are compared without case, as Office does.
 *
 * **Source:** PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16; ECMA-376 part 2 for names.
 */
import { inflateRawSync } from "node:zlib"
import { crc32 } from "../../codec/Crc32.ts"
import { refuse } from "./ReadJob.ts"

interface Entry {
  readonly method: number
  readonly encrypted: boolean
  readonly crc: number
  readonly compressedBytes: number
  readonly headerAt: number
}

const directoryEnd = { signature: 0x06054b50, bytes: 22 }
const directoryEntry = { signature: 0x02014b50, bytes: 46 }
const localHeader = { signature: 0x04034b50, bytes: 30 }

export class ZipArchive {
  readonly #view: DataView
  readonly #bytes: Uint8Array
  readonly #entries: ReadonlyMap<string, Entry>
  readonly #maxInflatedBytes: number
  #leftBytes: number

  /** Throws where the bytes are no zip file. */
  constructor(bytes: Uint8Array, maxInflatedBytes: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#maxInflatedBytes = maxInflatedBytes
    this.#leftBytes = maxInflatedBytes
    this.#entries = readDirectory(this.#view, bytes)
  }

  /** The bytes of a part, or null where there is none of this name. */
  read(name: string): Uint8Array | null {
    const entry = this.#entries.get(name.toLowerCase())
    if (entry === undefined) return null
    if (entry.encrypted) refuse("the document is protected by a password")
    const at = entry.headerAt
    if (this.#view.getUint32(at, true) !== localHeader.signature) throw new RangeError("no local header")
    const start = at + localHeader.bytes + this.#view.getUint16(at + 26, true) + this.#view.getUint16(at + 28, true)
    const bytes = this.#unpack(entry, this.#bytes.subarray(start, start + entry.compressedBytes))
    if (crc32(bytes) !== entry.crc) throw new RangeError("the checksum differs")
    this.#leftBytes -= bytes.length
    return bytes
  }

  #unpack(entry: Entry, packed: Uint8Array): Uint8Array {
    if (packed.length !== entry.compressedBytes) throw new RangeError("the part is cut off")
    if (entry.method === 0) return packed.length > this.#leftBytes ? this.#tooLarge() : packed
    if (entry.method !== 8) return refuse("the document is compressed in a way that is not supported")
    if (this.#leftBytes < 1) return this.#tooLarge()
    try {
      return inflateRawSync(packed, { maxOutputLength: this.#leftBytes })
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") return this.#tooLarge()
      throw error
    }
  }

  #tooLarge(): never {
    return refuse(`the document unpacks to more than ${this.#maxInflatedBytes / 1024 / 1024} MiB`)
  }
}

/** Files beyond 4 GiB or 65,535 parts (zip64) have no place in a request and read as broken. */
const readDirectory = (view: DataView, bytes: Uint8Array): ReadonlyMap<string, Entry> => {
  const end = findDirectoryEnd(view)
  const entries = new Map<string, Entry>()
  let at = view.getUint32(end + 16, true)
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== directoryEntry.signature) throw new RangeError("no directory entry")
    const nameBytes = view.getUint16(at + 28, true)
    const nameAt = at + directoryEntry.bytes
    const name = new TextDecoder().decode(bytes.subarray(nameAt, nameAt + nameBytes)).replaceAll("\\", "/")
    entries.set(name.toLowerCase(), {
      encrypted: (view.getUint16(at + 8, true) & 1) === 1,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedBytes: view.getUint32(at + 20, true),
      headerAt: view.getUint32(at + 42, true)
    })
    at = nameAt + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return entries
}

/** Behind it may stand a comment of at most 65,535 bytes. */
const findDirectoryEnd = (view: DataView): number => {
  const last = view.byteLength - directoryEnd.bytes
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === directoryEnd.signature) return at
  }
  throw new RangeError("no directory")
}
