import { assert, describe, it } from "@effect/vitest"
import { limitsIn } from "../../../src/upstream/anthropic/AnthropicLimits.ts"

describe("AnthropicLimits", () => {
  it("reads each limit by its name", () => {
    assert.deepStrictEqual(
      limitsIn({
        "content-type": "application/json",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-24T12:00:30Z",
        "anthropic-ratelimit-input-tokens-limit": "20000",
        "anthropic-ratelimit-input-tokens-remaining": "19000"
      }),
      new Map([
        ["requests", { limit: 50, remaining: 0, resetsAt: Date.parse("2026-11-24T12:00:30Z") }],
        ["input-tokens", { limit: 20_000, remaining: 19_000, resetsAt: null }]
      ])
    )
  })

  it("reads the unified limits of accounts that sign in", () => {
    assert.deepStrictEqual(
      limitsIn({
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": "1795521600",
        "anthropic-ratelimit-unified-5h-utilization": "0.87",
        "anthropic-ratelimit-unified-5h-reset": "1795510000",
        "anthropic-ratelimit-unified-representative-claim": "five_hour"
      }),
      new Map([
        ["unified", { limit: null, remaining: 0, resetsAt: 1_795_521_600_000 }],
        ["unified-5h", { limit: 100, remaining: 13, resetsAt: 1_795_510_000_000 }]
      ])
    )
    assert.deepStrictEqual(
      limitsIn({ "anthropic-ratelimit-unified-status": "allowed" }).get("unified")?.remaining,
      null
    )
  })

  it("takes nothing from what is no number and no time", () => {
    assert.deepStrictEqual(
      limitsIn({ "anthropic-ratelimit-tokens-limit": "many", "anthropic-ratelimit-tokens-reset": "soon" }),
      new Map([["tokens", { limit: null, remaining: null, resetsAt: null }]])
    )
    assert.strictEqual(limitsIn({}).size, 0)
  })
})
