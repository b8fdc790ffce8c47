import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
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
