/**
 * LedgerStoreSql: the records of requests in a SQL database.
 *
 * A record stands whole, as JSON, beside the columns that it is found by.
 */
import { Array as Arr, Effect, Layer, Option, Result, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { LedgerStore, type RecordQuery, useKept } from "../ledger/LedgerStore.ts"
import { dayOf, usesOf } from "../message/KeyUse.ts"
import { RequestRecord } from "../message/RequestRecord.ts"
import { Integer } from "./Columns.ts"
import { failAs, rowReader, valueWriter } from "./StorageFailure.ts"

/** What is inserted, by column. */
type Row = Readonly<Record<string, string | number | null>>

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  /** A server may be gone while nobody asks anything; a file shows only when it is written. */
  const check = sql.onDialectOrElse({
    pg: () => Effect.asVoid(sql`select 1`).pipe(failAs("reach the database")),
    orElse: () => Effect.void
  })

  const save: LedgerStore["Service"]["save"] = Effect.fn("LedgerStore.save")(
    function* (records) {
      const rows: Array<Row> = []
      for (const record of records) {
        const json = yield* Effect.option(writeRecord(record))
        // One that cannot be written must not hold up all that come after it.
        if (Option.isNone(json)) yield* Effect.logError(`The record of ${record.id} cannot be kept: it has no shape`)
        else {
          rows.push({
            id: record.id,
            time: record.time,
            key_id: record.keyId,
            model: record.model,
            resolved_model: record.resolvedModel,
            outcome: record.outcome,
            record: json.value
          })
        }
      }
      if (!Arr.isReadonlyArrayNonEmpty(rows)) return
      const added = yield* sql<{ readonly id: string }>`
        insert into requests ${sql.insert(rows)} on conflict (id) do nothing returning id`
      const isNew = new Set(added.map(({ id }) => id))
      const uses: ReadonlyArray<Row> = usesOf(records.filter(({ id }) => isNew.has(id))).map(
        ({ credits, day, keyId, lastAt, tokens }) => ({ key_id: keyId, day, tokens, credits, last_at: lastAt })
      )
      if (Arr.isReadonlyArrayNonEmpty(uses)) {
        yield* sql`
          insert into key_use ${sql.insert(uses)} on conflict (key_id, day) do update set
            tokens = key_use.tokens + excluded.tokens,
            credits = key_use.credits + excluded.credits,
            last_at = case when excluded.last_at > key_use.last_at then excluded.last_at else key_use.last_at end`
      }
      const tried: ReadonlyArray<Row> = records.flatMap(({ attempts, id, time }) =>
        [...new Set(attempts.map(({ credentialId }) => credentialId))].map((credential_id) => ({
          credential_id,
          time,
          request_id: id
        }))
      )
      if (Arr.isReadonlyArrayNonEmpty(tried)) {
        yield* sql`
          insert into request_credentials ${sql.insert(tried)} on conflict (credential_id, time, request_id) do nothing`
      }
    },
    (effect) => sql.withTransaction(effect),
    failAs("save records of requests")
  )

  const used: LedgerStore["Service"]["used"] = Effect.fn("LedgerStore.used")(function* (since) {
    const rows = yield* sql<Record<string, unknown>>`
      select key_id, day, tokens, credits, last_at from key_use where day >= ${since} order by day, key_id`
    return (yield* Effect.forEach(rows, readUse)).map(({ key_id, last_at, ...use }) => ({
      ...use,
      keyId: key_id,
      lastAt: last_at
    }))
  }, failAs("read what keys have used"))

  /** A record that cannot be read is told in the log and hides no other. */
  const read = Effect.fnUntraced(function* (rows: ReadonlyArray<Record<string, unknown>>) {
    const records: Array<RequestRecord> = []
    for (const row of rows) {
      const found = yield* Effect.result(readRow(row))
      if (Result.isSuccess(found)) records.push(found.success.record)
      else yield* Effect.logError(found.failure.message)
    }
    return records
  })

  const page: LedgerStore["Service"]["page"] = Effect.fn("LedgerStore.page")(function* (query) {
    return yield* read(
      query.credentialId === null
        ? yield* sql<Record<string, unknown>>`
              select id, record from requests r where ${where(query)} order by time desc, id desc limit ${query.limit}`
        : yield* sql<Record<string, unknown>>`
              select r.id, r.record from request_credentials c join requests r on r.id = c.request_id
              where ${where(query)} order by c.time desc, c.request_id desc limit ${query.limit}`
    )
  }, failAs("read records of requests"))

  /** Of all conditions those that the query sets. The order's columns are those of the table that leads. */
  const where = ({ after, credentialId, keyId, model, outcome }: RecordQuery): Statement.Fragment => {
    const [time, id] = credentialId === null ? [sql("r.time"), sql("r.id")] : [sql("c.time"), sql("c.request_id")]
    return sql.and([
      ...(credentialId === null ? [] : [sql`c.credential_id = ${credentialId}`]),
      ...(after === null ? [] : [sql`(${time}, ${id}) < (${after.time}, ${after.id})`]),
      ...(keyId === null ? [] : [sql`r.key_id = ${keyId}`]),
      ...(model === null ? [] : [sql`(r.model = ${model} or r.resolved_model = ${model})`]),
      ...(outcome === null ? [] : [sql`r.outcome = ${outcome}`])
    ])
  }

  const find: LedgerStore["Service"]["find"] = Effect.fn("LedgerStore.find")(function* (id) {
    const [record] = yield* read(yield* sql<Record<string, unknown>>`select id, record from requests where id = ${id}`)
    return record ?? null
  }, failAs("find the record of a request"))

  const prune: LedgerStore["Service"]["prune"] = Effect.fn("LedgerStore.prune")(
    function* (before, atMost) {
      yield* sql`delete from key_use where day < ${dayOf(before) - useKept}`
      const old = yield* sql<{ readonly id: string }>`
        select id from requests where time < ${before} order by time limit ${atMost}`
      if (old.length === 0) return 0
      const ids = old.map(({ id }) => id)
      yield* sql`delete from request_credentials where time < ${before} and ${sql.in("request_id", ids)}`
      yield* sql`delete from requests where ${sql.in("id", ids)}`
      return old.length
    },
    (effect) => sql.withTransaction(effect),
    failAs("forget old records of requests")
  )

  return LedgerStore.of({ check, save, used, page, find, prune })
})

/** Over any SQL database that the migrations have run on. */
export const layer: Layer.Layer<LedgerStore, never, SqlClient.SqlClient> = Layer.effect(LedgerStore, make)

const readUse = rowReader(
  "key_use",
  "key_id",
  Schema.Struct({ key_id: Schema.String, day: Integer, tokens: Integer, credits: Schema.Finite, last_at: Integer })
)
const Json = Schema.fromJsonString(RequestRecord)
const readRow = rowReader("requests", "id", Schema.Struct({ record: Json }))
const writeRecord = valueWriter("requests", Json)
