/**
 * AuditStoreSql: what operators have changed, in a SQL database.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { AuditEntry, AuditStore, keptEntries } from "../admin/AuditStore.ts"
import { Integer } from "./Columns.ts"
import { failAs, rowReader, valueWriter } from "./StorageFailure.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const add: AuditStore["Service"]["add"] = Effect.fn("AuditStore.add")(
    function* (entry) {
      const json = yield* writeEntry({ entry })
      const [last] = yield* sql<Record<string, unknown>>`select coalesce(max(ordinal), 0) as ordinal from audit`
      const ordinal = last === undefined ? 1 : (yield* readOrdinal(last)).ordinal + 1
      yield* sql`insert into audit ${sql.insert({ ordinal, entry: json.entry })}`
      yield* sql`delete from audit where ordinal <= ${ordinal - keptEntries}`
    },
    (effect) => sql.withTransaction(effect),
    failAs("record a change")
  )

  const page: AuditStore["Service"]["page"] = Effect.fn("AuditStore.page")(function* ({ before, limit }) {
    const rows =
      before === null
        ? yield* sql<Record<string, unknown>>`select ordinal, entry from audit order by ordinal desc limit ${limit}`
        : yield* sql<Record<string, unknown>>`
            select ordinal, entry from audit where ordinal < ${before} order by ordinal desc limit ${limit}`
    return yield* Effect.forEach(rows, (row) => readRow(row))
  }, failAs("read the record of changes"))

  return AuditStore.of({ add, page })
})

/** Over any SQL database that the migrations have run on. */
export const layer: Layer.Layer<AuditStore, never, SqlClient.SqlClient> = Layer.effect(AuditStore, make)

const Entry = Schema.fromJsonString(AuditEntry)
const readOrdinal = rowReader("audit", "ordinal", Schema.Struct({ ordinal: Integer }))
const readRow = rowReader("audit", "ordinal", Schema.Struct({ ordinal: Integer, entry: Entry }))
const writeEntry = valueWriter("audit", Schema.Struct({ entry: Entry }))
