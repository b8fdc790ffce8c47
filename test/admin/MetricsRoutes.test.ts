import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { anyNeed } from "../../src/credential/Eligibility.ts"
import { intent, record } from "../ledger/Records.ts"
import { social } from "../storage/StoreCases.ts"
import { at } from "../support/Ask.ts"
import { ask, makeAdminRig } from "./AdminRig.ts"

const path = "/api/admin/metrics/summary"

describe("GET /api/admin/metrics/summary", () => {
  it.effect("says how the pool is and what the last hour came to, minute by minute", () =>
    Effect.gen(function* () {
      const rig = yield* makeAdminRig({ credentials: [social("a"), social("b")] })
      yield* TestClock.setTime(90_000)
      const open = yield* Effect.orDie(rig.ledger.open(intent("req_1", { time: 60_000 }), () => null))
      open.settle(record("req_1", { time: 60_000 }))
      yield* rig.pool.operations.setDisabled(social("b").id, true)
      const { json, status } = yield* Effect.scoped(
        Effect.andThen(Effect.orDie(rig.pool.lease(anyNeed)), ask(rig, path))
      )
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(at(json, "time"), "1970-01-01T00:01:30.000Z")
      assert.deepStrictEqual(at(json, "pool"), {
        total: 2,
        ready: 1,
        full: 0,
        cooling: 0,
        disabled: 1,
        disabledBy: { manual: 1 },
        soonestRecovery: null
      })
      assert.deepStrictEqual(at(json, "permits"), { outstanding: 1, limit: null })
      assert.deepStrictEqual([at(json, "queued"), at(json, "recording")], [0, true])
      assert.strictEqual(at(json, "hour", "requests"), 1)
      assert.strictEqual(at(json, "minute", "requests"), 0)
      assert.strictEqual(at(json, "series", 59, "requests"), 1)
      assert.strictEqual(at(json, "series", 59, "time"), "1970-01-01T00:01:00.000Z")
      assert.strictEqual(at(json, "series", 0, "time"), "1969-12-31T23:02:00.000Z")
      assert.strictEqual(at(json, "series", 60), undefined)
      assert.deepStrictEqual(at(json, "series", 59, "cache", "measured"), { input: 0, read: 0 })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(at((yield* ask(rig, path)).json, "minute", "requests"), 1)
    })
  )
})
