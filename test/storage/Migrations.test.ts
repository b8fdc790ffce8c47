import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import * as Migrations from "../../src/storage/Migrations.ts"
import { sealedColumns } from "../../src/storage/SealedColumns.ts"
import * as SqliteClient from "../../src/storage/SqliteClient.ts"

const schema = SqlClient.SqlClient.use(
  (sql) => sql<{ readonly name: string; readonly sql: string }>`
    select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`
)

const tables = Effect.map(schema, (rows) => rows.map(({ name }) => name))

const run = Migrations.run("/data/weir.db")

describe("Migrations", () => {
  it.effect("makes every table that it names, and changes nothing when run again", () =>
    Effect.gen(function* () {
      yield* run
      const first = yield* schema
      assert.deepStrictEqual(yield* tables, [...Migrations.tables, ...Migrations.growing, "weir_migrations"].toSorted())
      yield* run
      assert.deepStrictEqual(yield* schema, first)
    }).pipe(Effect.provide(SqliteClient.layerMemory))
  )

  for (const count of Object.keys(Migrations.steps).keys()) {
    it.effect(`bring tables of version ${count} up to date and keep what they hold`, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const earlier = Object.fromEntries(Object.entries(Migrations.steps).slice(0, count))
        yield* Migrator.make({})({ loader: Migrator.fromRecord(earlier), table: Migrations.table })
        const row = { id: "a", ordinal: 1, fingerprint: "f", upstream: "kiro", kind: "api_key", priority: 0 }
        const rows = count === 0 ? [] : [{ ...row, api_key_sealed: "v1", created_at: 5 }]
        for (const held of rows) yield* sql`insert into credentials ${sql.insert(held)}`
        yield* run
        assert.deepStrictEqual(
          yield* sql`select id, kind, api_key_sealed, scheme, proxy_sealed from credentials`,
          rows.map(() => ({ id: "a", kind: "api_key", api_key_sealed: "v1", scheme: null, proxy_sealed: null }))
        )
        const fresh = yield* Effect.provide(Effect.andThen(run, schema), Layer.fresh(SqliteClient.layerMemory))
        assert.deepStrictEqual(yield* schema, fresh)
      }).pipe(Effect.provide(SqliteClient.layerMemory))
    )
  }

  it.effect("makes no sealed column that a change of the master key would forget", () =>
    Effect.gen(function* () {
      yield* run
      const sql = yield* SqlClient.SqlClient
      const found: Array<string> = []
      for (const table of yield* tables) {
        const columns = yield* sql<{ readonly name: string }>`pragma table_info(${sql(table)})`
        for (const { name } of columns) if (name.endsWith("_sealed")) found.push(`${table}.${name}`)
      }
      assert.deepStrictEqual(
        found.toSorted(),
        sealedColumns.map(({ column, table }) => `${table}.${column}`).toSorted()
      )
    }).pipe(Effect.provide(SqliteClient.layerMemory))
  )

  it.effect("refuses tables that a newer version made", () =>
    Effect.gen(function* () {
      yield* run
      const sql = yield* SqlClient.SqlClient
      yield* sql`insert into weir_migrations (migration_id, name) values (9999, 'from the future')`
      const error = yield* Effect.flip(run)
      assert.strictEqual(error._tag === "StorageUnusable" ? error.reason : error._tag, "newer")
      assert.match(error.message, /^Storage at \/data\/weir\.db is unusable: a newer version of this program wrote it/)
    }).pipe(Effect.provide(SqliteClient.layerMemory))
  )

  it.effect("leaves nothing of the steps when a later one fails inside one transaction", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table keys (odd text)`
      yield* Effect.flip(sql.withTransaction(run))
      assert.deepStrictEqual(yield* tables, ["keys"])
    }).pipe(Effect.provide(SqliteClient.layerMemory))
  )
})
