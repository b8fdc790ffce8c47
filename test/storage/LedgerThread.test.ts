import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { LedgerStore } from "../../src/ledger/LedgerStore.ts"
import * as LedgerThread from "../../src/storage/LedgerThread.ts"
import * as Migrations from "../../src/storage/Migrations.ts"
import * as SqliteClient from "../../src/storage/SqliteClient.ts"
import { record } from "../ledger/Records.ts"
import { ledgerStoreCases } from "../ledger/StoreCases.ts"
import { tempFolder } from "./TestDatabase.ts"

/** A file with its tables, and the gateway's own connection to it. */
const database = Layer.unwrap(
  Effect.map(tempFolder, (folder) => {
    const path = `${folder}/weir.db`
    const client = SqliteClient.layer({ path })
    const prepared = Layer.effectDiscard(Migrations.run(path)).pipe(Layer.provideMerge(client))
    return LedgerThread.layer(path).pipe(Layer.provideMerge(prepared))
  })
)

const all = { limit: 9, after: null, keyId: null, model: null, credentialId: null, outcome: null }

describe("LedgerThread", () => {
  ledgerStoreCases(Layer.fresh(Layer.orDie(database)))

  it.live("keeps all others where one has no shape", () =>
    Effect.gen(function* () {
      const store = yield* LedgerStore
      yield* store.save([record("req_1"), record("req_2", { credits: Infinity }), record("req_3")])
      const page = yield* store.page(all)
      assert.deepStrictEqual(
        page.map(({ id }) => id),
        ["req_3", "req_1"]
      )
    }).pipe(Effect.provide(database))
  )

  it.live("gives the room of what is forgotten back to the file system", () =>
    Effect.gen(function* () {
      const store = yield* LedgerStore
      const sql = yield* SqlClient.SqlClient
      const pages = Effect.map(sql<{ readonly page_count: number }>`pragma page_count`, ([row]) => row?.page_count ?? 0)
      yield* store.save(Array.from({ length: 1_000 }, (_, n) => record(`req_${n}`, { time: n })))
      const before = yield* pages
      assert.strictEqual(yield* store.prune(1_000, 1_000), 1_000)
      assert.isBelow(yield* pages, before / 2)
    }).pipe(Effect.provide(database))
  )

  it.live("says what failed, and goes on", () =>
    Effect.gen(function* () {
      const store = yield* LedgerStore
      const sql = yield* SqlClient.SqlClient
      yield* sql`alter table requests rename to elsewhere`
      const error = yield* Effect.flip(store.save([record("req_1")]))
      assert.strictEqual(error.operation, "save records of requests")
      yield* sql`alter table elsewhere rename to requests`
      yield* store.save([record("req_1")])
      assert.strictEqual((yield* store.find("req_1"))?.id, "req_1")
    }).pipe(Effect.provide(database))
  )

  it.live("waits for the gateway's own writes, and they for it", () =>
    Effect.gen(function* () {
      const store = yield* LedgerStore
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table own (n integer)`
      const own = Effect.forEach(Array.from({ length: 200 }), (_, n) =>
        sql.withTransaction(sql`insert into own values (${n})`)
      )
      const saved = Effect.forEach(Array.from({ length: 50 }), (_, n) =>
        store.save(Array.from({ length: 20 }, (_, m) => record(`req_${n}_${m}`)))
      )
      yield* Effect.all([own, saved], { concurrency: 2 })
      const [count] = yield* sql<{
        readonly n: number
      }>`select (select count(*) from own) + (select count(*) from requests) as n`
      assert.strictEqual(count?.n, 1_200)
    }).pipe(Effect.provide(database))
  )
})
