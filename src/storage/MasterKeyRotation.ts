/**
 * MasterKeyRotation: seals every secret again under another master key.
 *
 * **Details**
 *
 * With a key file, a new key is made: first both keys are written to the file, then all is sealed again in one
 * transaction, then the old key leaves the file. After a crash at any point the file opens the database, and the
 * rotation can be run again. With `WEIR_MASTER_KEY`, the operator puts the new key before the old one in the variable.
 *
 * **Gotchas**
 *
 * Copies of the database made before need the old key, and so would another database that shares the key file: give each
 * its own. The database must not be in use.
 */
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { DatabaseLocked } from "./DatabaseLock.ts"
import { Durability } from "./Durability.ts"
import * as MasterKey from "./MasterKey.ts"
import type { OpenDatabase } from "./OpenDatabase.ts"
import { resealAll } from "./SealedColumns.ts"
import * as Secrets from "./Secrets.ts"
import * as Storage from "./Storage.ts"
import { fromSqlError, StorageUnusable } from "./StorageUnusable.ts"

/** What a rotation did. */
export interface Rotation {
  /** How many secrets were sealed again. */
  readonly resealed: number
  /** The id of the key that seals now. */
  readonly keyId: string
}

/** Rotates the key of the database at `options.url`, under its lock. */
export const rotate = Effect.fn("MasterKeyRotation.rotate")(function* (
  options: Storage.StorageOptions
): Effect.fn.Return<Rotation, StorageUnusable | DatabaseLocked> {
  const rotated = Storage.withDatabase(options, (database) => Layer.effect(Rotated, rotateOpen(database)))
  return yield* Effect.provide(Rotated, rotated)
})

class Rotated extends Context.Service<Rotated, Rotation>()("weir/storage/MasterKeyRotation/Rotated") {}

const rotateOpen = Effect.fnUntraced(function* (
  database: OpenDatabase
): Effect.fn.Return<Rotation, StorageUnusable, SqlClient.SqlClient | Durability> {
  const { keyFile, name: path, ring } = database
  if (keyFile === null || ring.source !== keyFile) {
    if (ring.all.size < 2) {
      const why = `${ring.source} holds one key; put the new one before it, separated by a space, and rotate again`
      return yield* new StorageUnusable({ path, reason: "master_key", why })
    }
    return yield* reseal(path, ring, ring.current)
  }
  const next = yield* MasterKey.generate
  const both = { ...ring, all: new Map([...ring.all, [next.id, next]]) }
  yield* MasterKey.write(keyFile, [ring.current, ...[...both.all.values()].filter((key) => key !== ring.current)])
  const rotation = yield* reseal(path, both, next)
  yield* MasterKey.write(keyFile, [next])
  return rotation
})

const reseal = Effect.fnUntraced(function* (
  path: string,
  ring: MasterKey.KeyRing,
  to: MasterKey.MasterKey
): Effect.fn.Return<Rotation, StorageUnusable, SqlClient.SqlClient | Durability> {
  const sql = yield* SqlClient.SqlClient
  const resealed = yield* sql
    .withTransaction(resealAll(Secrets.make(ring), Secrets.make({ ...ring, current: to })))
    .pipe(
      Effect.mapError((error) =>
        error._tag === "SqlError"
          ? fromSqlError(path)(error)
          : new StorageUnusable({ path, reason: "corrupt", why: error.message })
      )
    )
  // The old key may go only when nothing on the disk needs it.
  yield* Effect.mapError(
    Effect.flatMap(Durability, ({ flush }) => flush),
    () => new StorageUnusable({ path, reason: "io", why: "the disk did not take the secrets under their new key" })
  )
  return { resealed, keyId: to.id }
})
