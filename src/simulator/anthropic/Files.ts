/**
 * Files: what each account has uploaded.
 *
 * **Source:** `FileMetadata` and the file errors of `@anthropic-ai/sdk` 1.12.
 */
import { DateTime } from "effect"
import { makeId } from "./Answering.ts"

/** Bytes of all files of all accounts, and how many there may be; past either an upload is refused. */
const MAX_BYTES = 256 * 1024 * 1024
const MAX_FILES = 10_000

/** A file as the API tells it. */
export interface FileMetadata {
  readonly type: "file"
  readonly id: string
  readonly filename: string
  readonly mime_type: string
  readonly size_bytes: number
  readonly created_at: string
  readonly expires_at: string | null
  readonly downloadable: boolean
}

export interface StoredFile {
  readonly account: string
  readonly metadata: FileMetadata
  readonly bytes: Uint8Array
  /** Milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null
}

/** A file as it was uploaded. */
export interface Upload {
  readonly account: string
  readonly filename: string
  readonly mimeType: string
  readonly bytes: Uint8Array
  readonly downloadable: boolean
  readonly expiresInSeconds: number | null
}

export class Files {
  readonly #files = new Map<string, StoredFile>()
  #bytes = 0

  /** Keeps a file; null: there is no room. */
  add(upload: Upload, now: number): FileMetadata | null {
    const { account, bytes, downloadable, expiresInSeconds, filename, mimeType } = upload
    if (this.#files.size >= MAX_FILES || this.#bytes + bytes.length > MAX_BYTES) return null
    const expiresAt = expiresInSeconds === null ? null : now + expiresInSeconds * 1_000
    const metadata: FileMetadata = {
      type: "file",
      id: makeId("file"),
      filename,
      mime_type: mimeType,
      size_bytes: bytes.length,
      created_at: DateTime.formatIso(DateTime.makeUnsafe(now)),
      expires_at: expiresAt === null ? null : DateTime.formatIso(DateTime.makeUnsafe(expiresAt)),
      downloadable
    }
    this.#files.set(metadata.id, { account, metadata, bytes, expiresAt })
    this.#bytes += bytes.length
    return metadata
  }

  /** A file of this account's. */
  find(account: string, id: string): StoredFile | undefined {
    const file = this.#files.get(id)
    return file?.account === account ? file : undefined
  }

  /** The files of an account, newest first. */
  list(account: string): ReadonlyArray<FileMetadata> {
    return [...this.#files.values()]
      .filter((file) => file.account === account)
      .map(({ metadata }) => metadata)
      .toReversed()
  }

  /** Forgets a file; false: this account has none of that id. */
  remove(account: string, id: string): boolean {
    const file = this.find(account, id)
    this.#bytes -= file?.bytes.length ?? 0
    return file !== undefined && this.#files.delete(id)
  }
}
