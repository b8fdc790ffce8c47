import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { SqlClient } from "effect/sql"
import * as LedgerStoreSql from "../../src/storage/LedgerStoreSql.ts"
import { LedgerStore, type RecordQuery } from "../../src/ledger/LedgerStore.ts"
import { record } from "../ledger/Records.ts"
import { ledgerStoreCases } from "../ledger/StoreCases.ts"
import { memory } from "./TestDatabase.ts"
import { describePostgres, onBoth, postgres } from "./TestPostgres.ts"

const plans = [
  ["all", "select id, record from requests r where (r.time, r.id) < (1, 'a') order by time desc, id desc limit 9"],
  [
    "those of a credential",
    "select r.id, r.record from request_credentials c join requests r on r.id = c.request_id where c.credential_id = 'a' order by c.time desc, c.request_id desc limit 9"
  ],
  ["the oldest", "select id from requests where time < 5 order by time limit 9"]
] as const

const all: RecordQuery = { limit: 9, after: null, keyId: null, model: null, credentialId: null, outcome: null }

describe("LedgerStoreSql", () => {
  onBoth((database) => {
    ledgerStoreCases(LedgerStoreSql.layer.pipe(Layer.provide(database)))

    it.effect("keeps and shows all others where one has no shape", () =>
      Effect.gen(function* () {
        const store = yield* LedgerStore
        const sql = yield* SqlClient.SqlClient
        yield* store.save([record("req_1"), record("req_2", { credits: Infinity }), record("req_3")])
        yield* sql`update requests set record = '{}' where id = 'req_1'`
        const page = yield* store.page(all)
        assert.deepStrictEqual(
          page.map(({ id }) => id),
          ["req_3"]
        )
      }).pipe(Effect.provide(LedgerStoreSql.layer.pipe(Layer.provideMerge(database))), Effect.provide(Logger.layer([])))
    )

    it.effect("keeps a name that a client sent, whatever characters it has, and finds it by that", () =>
      Effect.gen(function* () {
        const store = yield* LedgerStore
        const model = "a\u0000'b\u{1f600}"
        yield* store.save([record("req_1", { model }), record("req_2")])
        const page = yield* store.page({ ...all, model })
        assert.deepStrictEqual(page, [record("req_1", { model })])
      }).pipe(Effect.provide(LedgerStoreSql.layer.pipe(Layer.provide(database))))
    )
  })
})

describe("LedgerStoreSql", () => {
  for (const [what, statement] of plans) {
    it.effect(`reads ${what} by an index, without a sort`, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const steps = yield* sql.unsafe<{ readonly detail: string }>(`explain query plan ${statement}`)
        const text = steps.map(({ detail }) => detail).join("\n")
        assert.match(text, /USING (COVERING )?INDEX/)
        assert.notMatch(text, /SCAN r(equests)?$|TEMP B-TREE/m)
      }).pipe(Effect.provide(memory))
    )
  }
})

describePostgres("LedgerStoreSql", () => {
  for (const [what, statement] of plans) {
    it.effect(`reads ${what} by an index of PostgreSQL, without a sort`, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const text = yield* Effect.gen(function* () {
          // With so few rows it would read them all.
          yield* sql`set local enable_seqscan = off`
          yield* sql`set local enable_bitmapscan = off`
          const steps = yield* sql.unsafe<{ readonly "QUERY PLAN": string }>(`explain ${statement}`)
          return steps.map((step) => step["QUERY PLAN"]).join("\n")
        }).pipe(sql.withTransaction)
        assert.match(text, /Index (Only )?Scan/)
        assert.notMatch(text, /Seq Scan|Sort/)
      }).pipe(Effect.provide(postgres))
    )
  }
})
