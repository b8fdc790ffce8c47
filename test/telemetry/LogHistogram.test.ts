import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { factor, LogHistogram } from "../../src/telemetry/LogHistogram.ts"

const times = Schema.Array(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000 })))
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 1 }))

const noted = (values: ReadonlyArray<number>) => {
  const histogram = new LogHistogram()
  for (const value of values) histogram.note(value)
  return histogram
}

describe("LogHistogram", () => {
  it.prop("knows each quantile to within its factor, rounded up", [times, share], ([values, share]) => {
    const told = noted(values).quantile(share)
    const exact = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]
    if (exact === undefined) return assert.isNull(told)
    assert.isAtLeast(told ?? NaN, exact * (1 - 1e-9))
    assert.isAtMost(told ?? NaN, Math.max(1, exact * factor) * (1 + 1e-9))
  })

  it.prop("adds up to the histogram of all", [times, times, share], ([a, b, share]) => {
    const sum = noted(a)
    sum.add(noted(b))
    assert.strictEqual(sum.quantile(share), noted([...a, ...b]).quantile(share))
    assert.strictEqual(sum.total, a.length + b.length)
  })

  it("knows nothing once it is cleared", () => {
    const histogram = noted([1, 2, 3])
    histogram.clear()
    assert.isNull(histogram.quantile(0.5))
    assert.strictEqual(histogram.total, 0)
  })

  it("holds what is longer than its last bucket in the last", () => {
    assert.isAbove(noted([1e12]).quantile(1) ?? 0, 3 * 3_600_000)
  })
})
