/**
 * PostgresDatabase: one database of a PostgreSQL server, opened for this process alone, or one clear reason why not.
 *
 * **Details**
 *
 * In this order: the lock is taken, and in one transaction the tables are brought up to date, the master key found, and
 * the owner's mark left. When any of it fails, what the database held is unchanged. At the end all connections are closed
 * before the lock is given up.
 *
 * The ledger's journal is a file of this machine. It is named after an id that the database was given when it was made,
 * so that it is found again by whatever address the database goes.
 */
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import { join, resolve } from "node:path"
import type { DatabaseLocked } from "./DatabaseLock.ts"
import { Durability } from "./Durability.ts"
import * as MasterKey from "./MasterKey.ts"
import * as Migrations from "./Migrations.ts"
import type { OpenDatabase } from "./OpenDatabase.ts"
import * as PostgresClient from "./PostgresClient.ts"
import { ownerMark, PostgresLock } from "./PostgresLock.ts"
import * as PrivateFile from "./PrivateFile.ts"
import { keyIdsInUse } from "./SealedColumns.ts"
import { fromOpening, fromSqlError, type StorageUnusable, unusableAs } from "./StorageUnusable.ts"
import type { PostgresUrl } from "./StorageUrl.ts"

export interface PostgresDatabaseOptions {
  readonly address: PostgresUrl
  /** Where the master key lies; undefined: in `WEIR_MASTER_KEY` alone. */
  readonly masterKeyFile: string | undefined
  /** Where the journal lies: absolute, or relative to the working directory. */
  readonly journalFolder: string
}

/** The layer that `use` makes of the open database, and its client; closed after that layer. */
export const withDatabase = <A, E>(
  { address, journalFolder, masterKeyFile }: PostgresDatabaseOptions,
  use: (database: OpenDatabase) => Layer.Layer<A, E, SqlClient.SqlClient | Durability>
): Layer.Layer<A | SqlClient.SqlClient | Durability, E | StorageUnusable | DatabaseLocked> => {
  const { name, url } = address
  const keyFile = masterKeyFile === undefined ? null : resolve(masterKeyFile)
  const client = Layer.effect(
    SqlClient.SqlClient,
    Effect.flatMap(PostgresLock, ({ owned }) => PostgresClient.make({ url, owned })).pipe(
      Effect.mapError(fromSqlError(name))
    )
  ).pipe(Layer.provide(Reactivity.layer))
  const used = Effect.gen(function* () {
    const { id, ring } = yield* prepare(name, keyFile)
    const folder = resolve(journalFolder)
    yield* PrivateFile.makeFolder(folder)
    return use({ name, keyFile, ring, journal: join(folder, `weir-${id}.journal`), file: null })
  })
  return Layer.unwrap(used).pipe(
    Layer.provideMerge(Layer.merge(client, Durability.layerEachCommit)),
    Layer.provide(PostgresLock.layer(address))
  )
}

const prepare = Effect.fnUntraced(function* (
  name: string,
  keyFile: string | null
): Effect.fn.Return<
  { readonly id: string; readonly ring: MasterKey.KeyRing },
  StorageUnusable,
  SqlClient.SqlClient | PostgresLock
> {
  const sql = yield* SqlClient.SqlClient
  const { mark } = yield* PostgresLock
  return yield* Effect.gen(function* () {
    // A step over many rows takes as long as it takes.
    yield* sql`set local statement_timeout = 0`
    yield* checkRights(name)
    yield* Migrations.run(name)
    const ring = yield* MasterKey.obtain({ database: name, file: keyFile, sealedUnder: yield* keyIdsInUse })
    yield* sql`
      insert into meta ${sql.insert({ name: ownerMark, value: mark })}
      on conflict (name) do update set value = excluded.value`
    yield* sql`
      insert into meta ${sql.insert({ name: databaseId, value: randomUUID() })} on conflict (name) do nothing`
    const [row] = yield* sql<{ readonly value: string }>`select value from meta where name = ${databaseId}`
    return { id: row?.value ?? "", ring }
  }).pipe(sql.withTransaction, Effect.mapError(fromOpening(name)))
})

/** Where it may not make its tables, the migrator would fail and hide why. */
const checkRights = Effect.fnUntraced(function* (name: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly writes: boolean; readonly makes: boolean }>`
    select current_setting('transaction_read_only') = 'off' as writes,
      to_regclass(${Migrations.table}) is not null
        or coalesce(has_schema_privilege(current_schema(), 'create'), false) as makes`
  if (row?.writes !== true) return yield* unusableAs("25006", name)
  if (!row.makes) return yield* unusableAs("42501", name)
})

/** The row of `meta` with the database's id. */
const databaseId = "database_id"
