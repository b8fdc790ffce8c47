import { assert, describe, it } from "@effect/vitest"
import { budgetAt, budgetWait } from "../../src/policy/KeyBudget.ts"

const noon = Date.parse("2027-12-31T12:00:00Z")
const twelveHours = 12 * 3_600_000

describe("a budget", () => {
  it("is used up as soon as tokens or credits are, until its period ends", () => {
    const budget = { tokens: 100, credits: 2, per: "day" } as const
    assert.strictEqual(budgetWait(budget, { tokens: 99, credits: 1.9 }, noon), 0)
    assert.strictEqual(budgetWait(budget, { tokens: 100, credits: 0 }, noon), twelveHours)
    assert.strictEqual(budgetWait(budget, { tokens: 0, credits: 2.5 }, noon), twelveHours)
    assert.strictEqual(budgetWait({ ...budget, per: "month" }, { tokens: 101, credits: 0 }, noon), twelveHours)
    assert.strictEqual(budgetWait({ ...budget, tokens: null }, { tokens: 1e9, credits: 0 }, noon), 0)
  })

  it("says what is left, never less than nothing, and when it renews", () => {
    assert.deepStrictEqual(budgetAt({ tokens: 100, credits: null, per: "month" }, { tokens: 130, credits: 4 }, noon), {
      used: { tokens: 130, credits: 4 },
      left: { tokens: 0, credits: null },
      renewsAt: Date.parse("2028-01-01T00:00:00Z")
    })
  })
})
