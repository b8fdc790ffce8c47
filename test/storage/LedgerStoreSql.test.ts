import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as LedgerStoreSql from "../../src/storage/LedgerStoreSql.ts"
import { ledgerStoreCases } from "../ledger/StoreCases.ts"
import { memory } from "./TestDatabase.ts"

describe("LedgerStoreSql", () => {
  ledgerStoreCases(LedgerStoreSql.layer.pipe(Layer.provide(memory)))

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
