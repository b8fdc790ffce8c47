/**
 * Durability: brings what has committed to the disk itself.
 *
 * **Details**
 *
 * In WAL mode with `synchronous=NORMAL` a commit survives the death of the process at once, a loss of power only after
 * the write-ahead log was synced. The log is synced once a second while it changes, off the main thread, so that a loss
 * of power costs the last second at most; a writer that cannot afford that second (a rotated refresh token exists
 * nowhere else) awaits `flush`.
 *
 * **Source:** https://sqlite.org/pragma.html#pragma_synchronous
 */
import { Clock, Context, Duration, Effect, Layer, Schedule, type Scope } from "effect"
import { open } from "node:fs/promises"
import { StorageError } from "../message/StorageError.ts"
import { fromFileError, type StorageUnusable } from "./StorageUnusable.ts"

export class Durability extends Context.Service<
  Durability,
  {
    /** Returns when everything committed before the call survives a loss of power. */
    readonly flush: Effect.Effect<void, StorageError>
  }
>()("weir/storage/Durability") {
  /** For a database that syncs each commit itself, or that is to forget all (`:memory:`). */
  static readonly layerEachCommit: Layer.Layer<Durability> = Layer.succeed(Durability, { flush: Effect.void })

  /** For an open SQLite file at `path` (absolute), whose log must be there: it is, once a transaction has run. */
  static readonly layerWal = (path: string): Layer.Layer<Durability, StorageUnusable> =>
    Layer.effect(Durability, makeWal(`${path}-wal`))
}

const interval = Duration.seconds(1)

/** Milliseconds, more than any file system's clock takes for one step: a change this recent may not show in the time. */
const tick = 100

const makeWal = Effect.fnUntraced(function* (
  log: string
): Effect.fn.Return<Durability["Service"], StorageUnusable, Scope.Scope> {
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(log, "r+"), catch: fromFileError(log, "open the write-ahead log") }),
    (handle) => Effect.ignore(io(() => handle.close()))
  )
  return yield* makeSyncing({
    modified: Effect.map(
      io(() => handle.stat()),
      ({ mtimeMs }) => mtimeMs
    ),
    sync: io(() => handle.datasync())
  })
})

/** Syncs a log once a second while it changes; `modified` is the time of its last change in ms since 1970. */
export const makeSyncing = Effect.fnUntraced(function* (log: {
  readonly modified: Effect.Effect<number, StorageError>
  readonly sync: Effect.Effect<void, StorageError>
}): Effect.fn.Return<Durability["Service"], never, Scope.Scope> {
  /** All that was written until this time, in ms, is on the disk. */
  let synced = 0

  const flush = Effect.gen(function* () {
    const before = (yield* Clock.currentTimeMillis) - tick
    yield* log.sync
    synced = Math.max(synced, before)
  })

  yield* log.modified.pipe(
    Effect.flatMap((at) => (at > synced ? flush : Effect.void)),
    Effect.catch((error) => Effect.logError("Could not sync the database to disk", error)),
    Effect.repeat(Schedule.spaced(interval)),
    Effect.forkScoped
  )
  return Durability.of({ flush })
})

const io = <A>(run: () => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new StorageError({ operation: "sync to disk", cause }) })
