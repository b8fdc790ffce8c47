import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { SqlClient } from "effect/sql"
import * as LedgerStoreSql from "../../src/storage/LedgerStoreSql.ts"
import { LedgerStore } from "../../src/ledger/LedgerStore.ts"
import { record } from "../ledger/Records.ts"
import { ledgerStoreCases } from "../ledger/StoreCases.ts"
import { memory } from "./TestDatabase.ts"

describe("LedgerStoreSql", () => {
  ledgerStoreCases(LedgerStoreSql.layer.pipe(Layer.provide(memory)))

  it.effect("keeps and shows all others where one has no shape", () =>
    Effect.gen(function* () {
      const store = yield* LedgerStore
      const sql = yield* SqlClient.SqlClient
      yield* store.save([record("req_1"), record("req_2", { credits: Infinity }), record("req_3")])
      yield* sql`update requests set record = '{}' where id = 'req_1'`
      const page = yield* store.page({
        limit: 9,
        after: null,
        keyId: null,
        model: null,
        credentialId: null,
        outcome: null
      })
      assert.deepStrictEqual(
        page.map(({ id }) => id),
        ["req_3"]
      )
    }).pipe(Effect.provide(LedgerStoreSql.layer.pipe(Layer.provideMerge(memory))), Effect.provide(Logger.layer([])))
  )

  const plans = [
    ["all", "select id, record from requests r where (r.time, r.id) < (1, 'a') order by time desc, id desc limit 9"],
    [
      "those of a credential",
      "select r.id, r.record from request_credentials c join requests r on r.id = c.request_id where c.credential_id = 'a' order by c.time desc, c.request_id desc limit 9"
    ],
    ["the oldest", "select id from requests where time < 5 order by time limit 9"]
  ] as const
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
