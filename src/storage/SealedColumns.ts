/**
 * SealedColumns: every column that holds sealed values, so that none is forgotten when keys are checked or replaced.
 */
import { Effect, type Redacted, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type RowUnreadable, rowReader } from "./StorageFailure.ts"
import { keyIdOf, keyPrefixLength, type SecretUnreadable, type Secrets } from "./Secrets.ts"

/** One such column. */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** The SQL expression that identifies a row and stands in the associated data. */
  readonly row: string
}

export const sealedColumns: ReadonlyArray<SealedColumn> = [
  { table: "credentials", column: "access_token_sealed", row: "id" },
  { table: "credentials", column: "refresh_token_sealed", row: "id" },
  { table: "credentials", column: "client_secret_sealed", row: "id" },
  { table: "credentials", column: "api_key_sealed", row: "id" },
  { table: "credentials", column: "proxy_sealed", row: "id" },
  { table: "settings", column: "value_sealed", row: "section || '.' || member" }
]

/** The ids of the keys that the sealed values of this database need. Reads beginnings only. */
export const keyIdsInUse: Effect.Effect<ReadonlyArray<string>, SqlError.SqlError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    const ids = new Set<string>()
    for (const { table, column } of sealedColumns) {
      const rows = yield* sql<{ readonly prefix: string }>`
        select distinct substr(${sql(column)}, 1, ${sql.literal(String(keyPrefixLength))}) as prefix
        from ${sql(table)} where ${sql(column)} is not null`
      for (const { prefix } of rows) ids.add(keyIdOf(prefix))
    }
    return [...ids].toSorted()
  }
)

/** Opens each sealed value and seals it again; how many there were. Run it inside a transaction. */
export const resealAll = Effect.fn("SealedColumns.resealAll")(function* (
  from: Secrets["Service"],
  to: Secrets["Service"]
): Effect.fn.Return<number, SqlError.SqlError | SecretUnreadable | RowUnreadable, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  let resealed = 0
  for (const { table, column, row } of sealedColumns) {
    const readValue = rowReader(table, "row_id", SealedValue)
    const values = yield* sql<Record<string, unknown>>`
      select ${sql.literal(row)} as row_id, ${sql(column)} as sealed from ${sql(table)} where ${sql(column)} is not null`
    for (const raw of values) {
      const value = yield* readValue(raw)
      const place = { table, column, row: value.row_id }
      const secret: Redacted.Redacted = yield* from.open(value.sealed, place)
      const sealed = yield* to.seal(secret, place)
      yield* sql`update ${sql(table)} set ${sql(column)} = ${sealed} where ${sql.literal(row)} = ${value.row_id}`
    }
    resealed += values.length
  }
  return resealed
})

const SealedValue = Schema.Struct({ row_id: Schema.String, sealed: Schema.String })
