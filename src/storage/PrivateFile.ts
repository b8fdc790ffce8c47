/**
 * PrivateFile: small files that only their owner may read, replaced as a whole.
 */
import { Effect, Option, Predicate } from "effect"
import { type FileHandle, mkdir, open, readFile, rename, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { fromFileError, StorageUnusable } from "./StorageUnusable.ts"

/** Bytes above which a file is not one of ours. */
const maxBytes = 64 * 1024

/**
 * Writes the file with mode 0600. A reader sees the old content or the new, never a part; the new is on disk when this
 * returns. The folder must exist. `doing` completes "could not …" in the error.
 */
export const replace = Effect.fnUntraced(function* (
  file: string,
  text: string,
  doing: string
): Effect.fn.Return<void, StorageUnusable> {
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: fromFileError(file, doing) })
  const withHandle = (path: string, flags: string, use: (handle: FileHandle) => Promise<void>) =>
    Effect.acquireUseRelease(
      attempt(() => open(path, flags, 0o600)),
      (handle) => attempt(() => use(handle)),
      (handle) => Effect.ignore(attempt(() => handle.close()))
    )
  const temporary = `${file}.new`
  yield* withHandle(temporary, "w", async (handle) => {
    await handle.chmod(0o600)
    await handle.writeFile(text)
    await handle.sync()
  })
  yield* attempt(() => rename(temporary, file))
  yield* withHandle(dirname(file), "r", (folder) => folder.sync())
})

/** Makes the folder with mode 0700, and those above it, where they are missing. */
export const makeFolder = (folder: string): Effect.Effect<void, StorageUnusable> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
    },
    catch: fromFileError(folder, "make the folder")
  })

/** The file's text and permission bits, or none when there is no such file. */
export const read = Effect.fnUntraced(function* (
  file: string,
  doing: string
): Effect.fn.Return<Option.Option<{ readonly text: string; readonly mode: number }>, StorageUnusable> {
  const found = yield* Effect.tryPromise({
    try: async () => {
      const { mode, size } = await stat(file)
      return { size, mode: mode & 0o777, text: size > maxBytes ? "" : await readFile(file, "utf8") }
    },
    catch: (cause) => ({ cause })
  }).pipe(
    Effect.map(Option.some),
    Effect.catch(({ cause }) =>
      Predicate.hasProperty(cause, "code") && cause.code === "ENOENT"
        ? Effect.succeedNone
        : Effect.fail(fromFileError(file, doing)(cause))
    )
  )
  if (Option.isSome(found) && found.value.size > maxBytes) {
    return yield* new StorageUnusable({ path: file, reason: "io", why: `could not ${doing} (over ${maxBytes} bytes)` })
  }
  return found
})
