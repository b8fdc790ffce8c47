/**
 * TestDatabase: databases in memory and in folders that go away with the test.
 */
import { ConfigProvider, Effect, Layer, Logger } from "effect"
import type { Migrator, SqlClient, SqlError } from "effect/sql"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Durability } from "../../src/storage/Durability.ts"
import * as MasterKey from "../../src/storage/MasterKey.ts"
import * as Migrations from "../../src/storage/Migrations.ts"
import { Secrets } from "../../src/storage/Secrets.ts"
import * as SqliteClient from "../../src/storage/SqliteClient.ts"
import * as Storage from "../../src/storage/Storage.ts"
import type { StorageUnusable } from "../../src/storage/StorageUnusable.ts"

/** A ring of one new key. */
export const newRing = Effect.map(MasterKey.generate, (key): MasterKey.KeyRing => ({
  current: key,
  all: new Map([[key.id, key]]),
  source: "test"
}))

/** A migrated database in memory. */
export const memory: Layer.Layer<
  SqlClient.SqlClient | Secrets | Durability,
  StorageUnusable | SqlError.SqlError | Migrator.MigrationError
> = Layer.mergeAll(
  Layer.effectDiscard(Migrations.run(":memory:")),
  Layer.unwrap(Effect.map(newRing, Secrets.layer)),
  Durability.layerEachCommit
).pipe(Layer.provideMerge(SqliteClient.layerMemory))

/** An empty folder, removed with the scope. */
export const tempFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "weir-storage-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** The environment as the program would see it. */
export const environment = (env: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnv({ env }))

/** Storage in a folder, with an environment of nothing but `env`. */
export const storageIn = (folder: string, env: Record<string, string> = {}) =>
  Layer.fresh(Storage.layer({ url: `sqlite:${folder}/weir.db` })).pipe(
    Layer.provide([environment(env), Logger.layer([])])
  )
