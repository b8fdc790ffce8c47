import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Budget } from "../../src/exchange/Budget.ts"

const Span = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))

describe("Budget", () => {
  it.prop(
    "loses exactly the time in which it runs, and is never less than nothing",
    [Schema.Array(Span), Span],
    (drawn) => {
      const [spans, limit] = drawn
      let now = 1_000
      const budget = new Budget(limit, () => now)
      let ran = 0
      for (const [index, span] of spans.entries()) {
        const runs = index % 2 === 1
        if (runs) budget.run()
        else budget.pause()
        now += span
        if (runs) ran += span
        assert.strictEqual(budget.left, Math.max(0, limit - ran))
      }
    }
  )
})
