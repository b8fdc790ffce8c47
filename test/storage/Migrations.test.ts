import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import * as Migrations from "../../src/storage/Migrations.ts"
import { sealedColumns } from "../../src/storage/SealedColumns.ts"
import * as SqliteClient from "../../src/storage/SqliteClient.ts"
import { describePostgres, layerClient } from "./TestPostgres.ts"

/** Every table, with what it is made of, in an order of its own. */
const schema = SqlClient.SqlClient.use((sql) =>
  sql.onDialectOrElse({
    pg: () => sql<{ readonly name: string; readonly sql: string }>`
      select t.table_name as name, (
        select string_agg(concat_ws(' ', c.column_name, c.data_type, c.is_nullable, c.column_default), ', '
          order by c.ordinal_position)
        from information_schema.columns c where c.table_schema = current_schema() and c.table_name = t.table_name
      ) || (
        select coalesce(string_agg(replace(i.indexdef, current_schema(), ''), ', ' order by i.indexname), '')
        from pg_indexes i where i.schemaname = current_schema() and i.tablename = t.table_name
      ) as sql
      from information_schema.tables t where t.table_schema = current_schema() order by t.table_name`,
    orElse: () => sql<{ readonly name: string; readonly sql: string }>`
      select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`
  })
)

const columnsOf = (table: string) =>
  SqlClient.SqlClient.use((sql) =>
    sql.onDialectOrElse({
      pg: () => sql<{ readonly name: string }>`
        select column_name as name from information_schema.columns
        where table_schema = current_schema() and table_name = ${table}`,
      orElse: () => sql<{ readonly name: string }>`select name from pragma_table_info(${table})`
    })
  )

const tables = Effect.map(schema, (rows) => rows.map(({ name }) => name))

const run = Migrations.run("/data/weir.db")

const migrations = (empty: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>) => {
  it.effect("makes every table that it names, and changes nothing when run again", () =>
    Effect.gen(function* () {
      yield* run
      const first = yield* schema
      assert.deepStrictEqual(yield* tables, [...Migrations.tables, ...Migrations.growing, "weir_migrations"].toSorted())
      yield* run
      assert.deepStrictEqual(yield* schema, first)
    }).pipe(Effect.provide(empty))
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
        const fresh = yield* Effect.provide(Effect.andThen(run, schema), Layer.fresh(empty))
        assert.deepStrictEqual(yield* schema, fresh)
      }).pipe(Effect.provide(empty))
    )
  }

  it.effect("makes no sealed column that a change of the master key would forget", () =>
    Effect.gen(function* () {
      yield* run
      const found: Array<string> = []
      for (const table of yield* tables) {
        for (const { name } of yield* columnsOf(table)) if (name.endsWith("_sealed")) found.push(`${table}.${name}`)
      }
      assert.deepStrictEqual(
        found.toSorted(),
        sealedColumns.map(({ column, table }) => `${table}.${column}`).toSorted()
      )
    }).pipe(Effect.provide(empty))
  )

  it.effect("refuses tables that a newer version made", () =>
    Effect.gen(function* () {
      yield* run
      const sql = yield* SqlClient.SqlClient
      yield* sql`insert into weir_migrations (migration_id, name) values (9999, 'from the future')`
      const error = yield* Effect.flip(run)
      assert.strictEqual(error._tag === "StorageUnusable" ? error.reason : error._tag, "newer")
      assert.match(error.message, /^Storage at \/data\/weir\.db is unusable: a newer version of this program wrote it/)
    }).pipe(Effect.provide(empty))
  )

  it.effect("leaves nothing of the steps when a later one fails inside one transaction", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table keys (odd text)`
      yield* Effect.flip(sql.withTransaction(run))
      assert.deepStrictEqual(yield* tables, ["keys"])
    }).pipe(Effect.provide(empty))
  )
}

describe("Migrations", () => {
  migrations(SqliteClient.layerMemory)
})

describePostgres("Migrations on PostgreSQL", () => {
  migrations(layerClient)
})
