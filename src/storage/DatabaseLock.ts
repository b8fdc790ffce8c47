/**
 * DatabaseLock: one process owns a database, from before its first read until it ends.
 *
 * **Details**
 *
 * The lock is a transaction held open `EXCLUSIVE` on an empty SQLite file beside the database (`weir.db.lock`). That is
 * a lock of the operating system: it ends with the process however that dies, and no stale file can block a start.
 * Another file (`weir.db.owner`, JSON) tells who holds it. The lock file itself must never be opened otherwise in the
 * owning process: closing any handle of it would drop the lock (POSIX advisory locks).
 *
 * **Gotchas**
 *
 * Network file systems may not honour such locks; keep the database on a local disk.
 */
import { Context, DateTime, Effect, Layer, Predicate, Schedule, Schema, type Scope } from "effect"
import type { SqlError } from "effect/sql"
import { chmod, readFile, rm } from "node:fs/promises"
import { hostname } from "node:os"
import { kill, pid } from "node:process"
import { DatabaseSync } from "node:sqlite"
import * as PrivateFile from "./PrivateFile.ts"
import { attemptSqlite } from "./SqliteFailure.ts"
import { fromFileError, fromSqlError, type StorageUnusable } from "./StorageUnusable.ts"

/** The process that owns a database. */
export const Owner = Schema.Struct({
  pid: Schema.Int,
  host: Schema.String,
  since: Schema.DateTimeUtcFromString
})
export type Owner = typeof Owner.Type

/** Another process owns the database. */
export class DatabaseLocked extends Schema.TaggedError<DatabaseLocked>()("DatabaseLocked", {
  path: Schema.String,
  /** Null when the owner could not be read. */
  owner: Schema.NullOr(Owner)
}) {
  override get message(): string {
    const by =
      this.owner === null
        ? "another process"
        : `process ${this.owner.pid} on ${this.owner.host} since ${DateTime.formatIso(this.owner.since)}`
    return `Storage at ${this.path} is in use by ${by}`
  }
}

export class DatabaseLock extends Context.Service<
  DatabaseLock,
  {
    readonly owner: Owner
  }
>()("weir/storage/DatabaseLock") {
  /** Owns the database at `path` (absolute) until the layer's scope ends. */
  static readonly layer = (path: string): Layer.Layer<DatabaseLock, DatabaseLocked | StorageUnusable> =>
    Layer.effect(DatabaseLock, acquire(path))
}

const acquire = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<DatabaseLock["Service"], DatabaseLocked | StorageUnusable, Scope.Scope> {
  const file = `${path}.lock`
  const db = yield* Effect.acquireRelease(
    attemptSqlite("open the lock", () => new DatabaseSync(file, { timeout: 0 })),
    (db) => Effect.sync(() => db.close())
  ).pipe(Effect.mapError(fromSqlError(file)))
  // Nothing is ever written to it: no journal is needed on the disk.
  const hold = "PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"
  yield* attemptSqlite("lock", () => db.exec(hold)).pipe(Effect.catch((error) => refuse(path, error)))
  yield* Effect.tryPromise({ try: () => chmod(file, 0o600), catch: fromFileError(file, "keep the lock to its owner") })
  const owner: Owner = { pid, host: hostname(), since: yield* DateTime.now }
  yield* Effect.acquireRelease(writeOwner(path, owner), () => Effect.ignore(removeOwner(path)))
  return DatabaseLock.of({ owner })
})

const refuse = Effect.fnUntraced(function* (
  path: string,
  error: SqlError.SqlError
): Effect.fn.Return<never, DatabaseLocked | StorageUnusable> {
  if (error.reason._tag !== "LockTimeoutError") return yield* fromSqlError(`${path}.lock`)(error)
  return yield* new DatabaseLocked({ path, owner: yield* readOwner(path) })
})

const OwnerJson = Schema.fromJsonString(Owner)

const ownerFile = (path: string) => `${path}.owner`

const writeOwner = Effect.fnUntraced(function* (path: string, owner: Owner) {
  const json = yield* Effect.orDie(Schema.encodeEffect(OwnerJson)(owner))
  yield* PrivateFile.replace(ownerFile(path), json, "say who owns the database")
})

const removeOwner = (path: string) => Effect.tryPromise(() => rm(ownerFile(path), { force: true }))

/**
 * Who holds the lock. Between taking the lock and telling so, or after a crash, the file is missing or names a process
 * that is gone: it is read again for half a second.
 */
const readOwner = (path: string): Effect.Effect<Owner | null> =>
  Effect.tryPromise(() => readFile(ownerFile(path), "utf8")).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(OwnerJson)),
    Effect.filterOrFail(isAlive, () => "gone"),
    Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "500 millis" }))),
    Effect.orElseSucceed(() => null)
  )

/** Of a process on another host nothing can be known. */
const isAlive = (owner: Owner): boolean => {
  if (owner.host !== hostname()) return true
  try {
    return kill(owner.pid, 0)
  } catch (cause) {
    return Predicate.hasProperty(cause, "code") && cause.code === "EPERM"
  }
}
