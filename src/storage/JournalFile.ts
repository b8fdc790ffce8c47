/**
 * JournalFile: the ledger's journal as one file: beside SQLite `weir.db.journal`, with PostgreSQL `weir-ID.journal` in
 * a folder of this machine.
 *
 * An append is one `write`, so it has reached the operating system when it returns and survives the death of the process;
 * within a second it is on the disk. A part of an append that could not be written whole is cut off again.
 */
import { Clock, Effect, Layer, Predicate, Result, type Scope } from "effect"
import * as fs from "node:fs"
import { promisify } from "node:util"
import { JournalStore } from "../ledger/JournalStore.ts"
import { StorageError } from "../message/StorageError.ts"
import { makeSyncing } from "./Durability.ts"
import { fromFileError, type StorageUnusable } from "./StorageUnusable.ts"

/** The journal at `file` (absolute). Its folder must be there, and its database be owned already. */
export const layer = (file: string): Layer.Layer<JournalStore, StorageUnusable> =>
  Layer.effect(JournalStore, make(file))

const make = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<JournalStore["Service"], StorageUnusable, Scope.Scope> {
  const clock = yield* Clock.Clock
  const journal = yield* Effect.acquireRelease(
    Effect.try({ try: () => new OpenFile(file), catch: fromFileError(file, "open the journal") }),
    (journal) => Effect.sync(() => journal.close())
  )
  let modified = 0
  yield* makeSyncing({
    modified: Effect.sync(() => modified),
    sync: Effect.tryPromise({ try: () => journal.sync(), catch: failed("sync the journal") })
  })
  const changing = (operation: string, change: () => void) => {
    modified = clock.currentTimeMillisUnsafe()
    return Result.try({ try: change, catch: failed(operation) })
  }
  return JournalStore.of({
    load: Effect.try({ try: () => linesOf(journal.read()), catch: failed("read the journal") }),
    append: (lines) => changing("append to the journal", () => journal.append(lines)),
    replace: (lines) => changing("replace the journal", () => journal.replace(lines))
  })
})

const failed = (operation: string) => (cause: unknown) => new StorageError({ operation, cause })

const linesOf = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "")

const datasync = promisify(fs.fdatasync)

class OpenFile {
  readonly #file: string
  #descriptor: number
  #size: number

  constructor(file: string) {
    this.#file = file
    this.#descriptor = fs.openSync(file, "a+", 0o600)
    this.#size = fs.fstatSync(this.#descriptor).size
  }

  read(): string {
    return fs.readFileSync(this.#file, "utf8")
  }

  append(text: string): void {
    const size = this.#size
    try {
      this.#size += writeWhole(this.#descriptor, text)
    } catch (cause) {
      fs.ftruncateSync(this.#descriptor, size)
      throw cause
    }
  }

  replace(text: string): void {
    const next = `${this.#file}.new`
    const descriptor = fs.openSync(next, "w", 0o600)
    const before = this.#descriptor
    try {
      writeWhole(descriptor, text)
      fs.renameSync(next, this.#file)
    } catch (cause) {
      fs.closeSync(descriptor)
      throw cause
    }
    this.#descriptor = descriptor
    this.#size = Buffer.byteLength(text)
    fs.closeSync(before)
  }

  async sync(): Promise<void> {
    try {
      await datasync(this.#descriptor)
    } catch (cause) {
      // The file was replaced meanwhile; the next sync is the new one's.
      if (!(Predicate.hasProperty(cause, "code") && cause.code === "EBADF")) throw cause
    }
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}

/** Bytes written, which are all. */
const writeWhole = (descriptor: number, text: string): number => {
  const bytes = Buffer.from(text, "utf8")
  for (let at = 0; at < bytes.length;) at += fs.writeSync(descriptor, bytes, at)
  return bytes.length
}
