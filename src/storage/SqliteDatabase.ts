/**
 * SqliteDatabase: one SQLite file, opened for this process alone, or one clear reason why not.
 *
 * **Details**
 *
 * In this order: the folder is made (mode 0700), the file (mode 0600), the lock taken, the file opened, and in one
 * transaction the tables brought up to date, checked for damage, and the master key found. When any of it fails, what
 * the database held is unchanged. At the end the file is closed before the lock is given up.
 *
 * **Gotchas**
 *
 * Only the stores' own tables are checked for damage here, in the time that their few rows take; elsewhere damage shows
 * when it is read.
 */
import { Effect, Layer, Predicate } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { access, constants, open, realpath } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { DatabaseLock, type DatabaseLocked } from "./DatabaseLock.ts"
import { Durability } from "./Durability.ts"
import * as MasterKey from "./MasterKey.ts"
import * as Migrations from "./Migrations.ts"
import type { OpenDatabase } from "./OpenDatabase.ts"
import * as PrivateFile from "./PrivateFile.ts"
import { keyIdsInUse } from "./SealedColumns.ts"
import * as SqliteClient from "./SqliteClient.ts"
import { fromFileError, fromOpening, fromSqlError, StorageUnusable } from "./StorageUnusable.ts"

export interface SqliteDatabaseOptions {
  /** Absolute, or relative to the working directory. */
  readonly path: string
  /** Where the master key lies; undefined: `master.key` beside the file. */
  readonly masterKeyFile: string | undefined
}

/** The layer that `use` makes of the open database, and its client; closed after that layer. */
export const withDatabase = <A, E>(
  options: SqliteDatabaseOptions,
  use: (database: OpenDatabase) => Layer.Layer<A, E, SqlClient.SqlClient | Durability>
): Layer.Layer<A | SqlClient.SqlClient | Durability, E | StorageUnusable | DatabaseLocked> =>
  Layer.unwrap(
    Effect.map(makeFile(options.path), (path) => {
      const keyFile = resolve(options.masterKeyFile ?? join(dirname(path), "master.key"))
      const client = Layer.effect(
        SqlClient.SqlClient,
        Effect.andThen(DatabaseLock, Effect.mapError(SqliteClient.make({ path }), fromSqlError(path)))
      ).pipe(Layer.provide([Reactivity.layer, DatabaseLock.layer(path)]))
      const used = Effect.map(prepare(path, keyFile), (ring) =>
        use({ name: path, keyFile, ring, journal: `${path}.journal`, file: path }).pipe(
          Layer.provideMerge(Durability.layerWal(path))
        )
      )
      return Layer.unwrap(used).pipe(Layer.provideMerge(client))
    })
  )

/** Makes the file where it is missing; tells its path without symbolic links, so that it has one lock. */
const makeFile = Effect.fnUntraced(function* (given: string): Effect.fn.Return<string, StorageUnusable> {
  const path = resolve(given)
  const folder = dirname(path)
  yield* PrivateFile.makeFolder(folder)
  yield* Effect.tryPromise({
    // An existing file is not opened: closing it again would drop the locks that this process may hold on it.
    try: () => open(path, "wx", 0o600).then((handle) => handle.close()),
    catch: (cause) => ({ cause })
  }).pipe(
    Effect.catch(({ cause }) =>
      Predicate.hasProperty(cause, "code") && cause.code === "EEXIST"
        ? Effect.void
        : Effect.fail(fromFileError(path, "make the database file")(cause))
    )
  )
  return yield* Effect.tryPromise({
    try: async () => {
      await access(path, constants.R_OK | constants.W_OK)
      await access(folder, constants.W_OK)
      return await realpath(path)
    },
    catch: fromFileError(path, "write to the database file and its folder")
  })
})

const prepare = (
  path: string,
  keyFile: string
): Effect.Effect<MasterKey.KeyRing, StorageUnusable, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* Migrations.run(path)
        yield* checkTables(path)
        return yield* MasterKey.obtain({ database: path, file: keyFile, sealedUnder: yield* keyIdsInUse })
      })
    )
  }).pipe(Effect.mapError(fromOpening(path)))

/** **Source:** https://sqlite.org/pragma.html#pragma_quick_check */
const checkTables = Effect.fnUntraced(function* (path: string) {
  const sql = yield* SqlClient.SqlClient
  for (const table of Migrations.tables) {
    const [found] = yield* sql<{ readonly quick_check: string }>`pragma quick_check(${sql(table)})`
    if (found?.quick_check !== "ok") {
      return yield* new StorageUnusable({
        path,
        reason: "corrupt",
        why: `the table ${table} is damaged; restore the file from a copy`
      })
    }
  }
})
