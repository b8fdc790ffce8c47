/** What a client key's limits cost each request. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { KeyUse } from "../../src/message/KeyUse.ts"
import { unlimited } from "../../src/message/KeyLimits.ts"
import { nothingUsed } from "../../src/message/RequestRecord.ts"
import { ClientKeys } from "../../src/policy/ClientKeys.ts"
import { KeyAdmission } from "../../src/policy/KeyAdmission.ts"
import * as KeyStoreMemory from "../../src/policy/KeyStoreMemory.ts"
import { rateLimitHeaders } from "../../src/http/RateLimitHeaders.ts"

const count = 20_000
/** Microseconds. */
const limit = 20

const keys = ClientKeys.layer({ clientKeys: [], adminKey: null }).pipe(Layer.provide(KeyStoreMemory.layer()))
const use = new KeyUse()
const ledger = Layer.mock(Ledger, { isWorking: () => true, used: () => use })
const world = KeyAdmission.layer.pipe(Layer.provideMerge(Layer.merge(keys, ledger)))

const fastest = <E, R>(one: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    const rounds: Array<number> = []
    for (let round = 0; round < 5; round++) {
      const began = performance.now()
      for (let n = 0; n < count; n++) yield* one
      rounds.push(((performance.now() - began) / count) * 1_000)
    }
    return Math.min(...rounds)
  })

describe("the limits of a key", () => {
  it.live("cost a request under 20 microseconds, headers included", () =>
    Effect.gen(function* () {
      const { create } = yield* ClientKeys
      const { admit, standing } = yield* KeyAdmission
      const { id } = yield* create("one", {
        ...unlimited,
        models: ["claude-haiku-*", "claude-sonnet-*"],
        requestsPerMinute: 1_000_000,
        tokensPerMinute: 1_000_000_000,
        maxConcurrent: 10,
        budget: { tokens: 1_000_000_000_000, credits: null, per: "month" }
      })
      const need = { model: { name: "claude-sonnet-4-5", resolved: "claude-sonnet-4.5" }, estimate: () => 10 }
      const took = yield* fastest(
        admit(id, need).pipe(
          Effect.map((permit) => {
            permit.settle(nothingUsed)
            return rateLimitHeaders(standing(id))
          }),
          Effect.scoped
        )
      )
      assert.isBelow(took, limit)
    }).pipe(Effect.provide(world))
  )
})
