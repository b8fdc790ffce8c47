/**
 * LedgerThreadMain: the thread of the ledger's database: a connection of its own, and a `LedgerStore` that answers calls.
 *
 * **Gotchas**: started by `LedgerThread` only, which holds the database's lock and has brought its tables up to date.
 */
import { Deferred, Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { parentPort, workerData } from "node:worker_threads"
import { LedgerStore } from "../ledger/LedgerStore.ts"
import { RequestRecord } from "../message/RequestRecord.ts"
import type { StorageError } from "../message/StorageError.ts"
import * as LedgerStoreSql from "./LedgerStoreSql.ts"
import { type Answer, Call, close, ready } from "./LedgerThreadCall.ts"
import * as SqliteClient from "./SqliteClient.ts"

const decode = Schema.decodeUnknownOption(Call)
const decodeRecord = Schema.decodeUnknownOption(RequestRecord)

const save = Effect.fnUntraced(function* (store: LedgerStore["Service"], sent: ReadonlyArray<unknown>) {
  const records = sent.flatMap((record) => Option.toArray(decodeRecord(record)))
  const lost = sent.length - records.length
  if (lost > 0) yield* Effect.logError(`${lost} records of requests cannot be kept: they have no shape`)
  yield* store.save(records)
})

const answer = (
  store: LedgerStore["Service"],
  giveBack: Effect.Effect<void>,
  call: Call
): Effect.Effect<Answer, StorageError> => {
  const { id } = call
  if ("save" in call) return Effect.as(save(store, call.save), { id, records: [] })
  if ("check" in call) return Effect.as(store.check, { id, records: [] })
  if ("used" in call) return Effect.map(store.used(call.used.since), (uses) => ({ id, uses }))
  if ("page" in call) return Effect.map(store.page(call.page), (records) => ({ id, records }))
  if ("find" in call) {
    return Effect.map(store.find(call.find), (record) => ({ id, records: record === null ? [] : [record] }))
  }
  return store.prune(call.prune.before, call.prune.atMost).pipe(
    Effect.tap((pruned) => (pruned > 0 ? giveBack : Effect.void)),
    Effect.map((pruned) => ({ id, pruned }))
  )
}

const reasonOf = (error: StorageError): string => (error.cause instanceof Error ? error.cause.message : "")

const serve = Effect.gen(function* () {
  const store = yield* LedgerStore
  const sql = yield* SqlClient.SqlClient
  // Pages that are free go back to the file system, as many as a deletion of 1,000 records leaves and some more.
  const giveBack = Effect.ignore(sql`pragma incremental_vacuum(1000)`)
  const port = parentPort
  if (port === null) return yield* Effect.die(new Error("this is no thread"))
  const closed = yield* Deferred.make<void>()
  const run = Effect.runForkWith(yield* Effect.context<never>())
  port.on("message", (message: unknown) => {
    if (message === close) Deferred.doneUnsafe(closed, Effect.void)
    const call = Option.getOrNull(decode(message))
    if (call !== null)
      run(
        answer(store, giveBack, call).pipe(
          Effect.catch((error) =>
            Effect.succeed<Answer>({ id: call.id, failed: { operation: error.operation, why: reasonOf(error) } })
          ),
          Effect.map((said) => port.postMessage(said))
        )
      )
  })
  port.postMessage(ready)
  yield* Deferred.await(closed)
  port.close()
})

const path: unknown = workerData
const layer = LedgerStoreSql.layer.pipe(Layer.provideMerge(SqliteClient.layer({ path: String(path) })))

Effect.runFork(Effect.provide(serve, layer))
