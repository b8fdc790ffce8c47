import { assert, describe, it } from "@effect/vitest"
import { mostLimits, type RateLimit, rateLimits, scarceUntil, usedUpUntil } from "../../src/message/RateLimits.ts"

const now = 1_000_000
const limit = (remaining: number | null, resetsAt: number | null, of: number | null = 100): RateLimit => ({
  limit: of,
  remaining,
  resetsAt
})
const told = (limits: Readonly<Record<string, RateLimit>>) => rateLimits(Object.entries(limits))

describe("RateLimits", () => {
  it("are bounded, and hold no numbers that are none", () => {
    const many = Array.from({ length: 40 }, (_, n) => [`limit-${n}`, limit(1, now)] as const)
    assert.strictEqual(rateLimits(many).size, mostLimits)
    assert.strictEqual(rateLimits([["x".repeat(65), limit(1, now)]]).size, 0)
    const odd = rateLimits([
      ["requests", limit(Number.NaN, 1e300, -1)],
      ["tokens", limit(Infinity, Number.NaN, null)]
    ])
    assert.deepStrictEqual([...odd.values()], [limit(null, null, null), limit(null, null, null)])
  })

  it("are used up until the latest of those that are begins anew", () => {
    assert.isNull(usedUpUntil(told({}), now))
    assert.isNull(usedUpUntil(told({ requests: limit(1, now + 5), tokens: limit(0, null), a: limit(0, now) }), now))
    const limits = told({ requests: limit(0, now + 5), tokens: limit(0, now + 3), unified: limit(7, now + 9) })
    assert.strictEqual(usedUpUntil(limits, now), now + 5)
  })

  it("are scarce below a tenth, until the latest of those that are begins anew", () => {
    assert.isNull(scarceUntil(told({ requests: limit(10, now + 5), tokens: limit(0, now + 5, 0) }), now))
    assert.isNull(scarceUntil(told({ requests: limit(1, now - 5), tokens: limit(null, now + 5) }), now))
    assert.strictEqual(scarceUntil(told({ requests: limit(9, now + 5), tokens: limit(0, now + 8) }), now), now + 8)
    assert.strictEqual(
      scarceUntil(told({ requests: limit(9, null) }), now),
      now + 60_000,
      "for a minute where it has no end"
    )
  })
})
