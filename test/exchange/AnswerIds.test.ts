import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { makeId } from "../../src/exchange/AnswerIds.ts"

describe("AnswerIds", () => {
  it.effect("makes ids of 24 letters and digits that differ", () =>
    Effect.gen(function* () {
      const ids = yield* Effect.forEach(Array.from({ length: 1_000 }), () => makeId("req_"))
      for (const id of ids) assert.match(id, /^req_[0-9A-Za-z]{24}$/)
      assert.strictEqual(new Set(ids).size, ids.length)
    })
  )

  it.effect("draws from Effect's random numbers, so that tests can repeat them", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([makeId("msg_"), makeId("msg_")].map(Random.withSeed("seed")))
      assert.strictEqual(one, two)
    })
  )
})
