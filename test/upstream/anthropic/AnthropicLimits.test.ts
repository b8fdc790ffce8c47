import { assert, describe, it } from "@effect/vitest"
import { usedUpUntil } from "../../../src/message/RateLimits.ts"
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

  const unified = (more: Readonly<Record<string, string>>) =>
    limitsIn(
      Object.fromEntries(Object.entries(more).map(([name, value]) => [`anthropic-ratelimit-unified-${name}`, value]))
    )

  it("takes the verdict on an account that signs in for what it says, and its windows for no more than they say", () => {
    assert.deepStrictEqual(
      unified({
        status: "rejected",
        reset: "1795521600",
        "5h-status": "rejected",
        "5h-utilization": "0.871",
        "5h-reset": "1795510000",
        "7d-utilization": "1.02",
        "representative-claim": "five_hour"
      }),
      new Map([
        ["unified", { limit: null, remaining: 0, resetsAt: 1_795_521_600_000 }],
        ["unified-5h", { limit: 100, remaining: 12, resetsAt: 1_795_510_000_000 }],
        ["unified-7d", { limit: 100, remaining: 1, resetsAt: null }]
      ])
    )
  })

  it("does not take an account for used up whose windows of one model or beyond its plan are", () => {
    const limits = unified({
      status: "allowed_warning",
      reset: "1795521600",
      "overage-status": "rejected",
      "overage-reset": "1795521600",
      "7d_oi-status": "rejected",
      "7d_oi-utilization": "1.0",
      "7d-utilization": "0.996"
    })
    assert.isNull(usedUpUntil(limits, 0))
    assert.deepStrictEqual([...limits.keys()], ["unified", "unified-7d"])
  })

  it("takes nothing from what is no number and no time", () => {
    assert.deepStrictEqual(
      limitsIn({ "anthropic-ratelimit-tokens-limit": "many", "anthropic-ratelimit-tokens-reset": "soon" }),
      new Map([["tokens", { limit: null, remaining: null, resetsAt: null }]])
    )
    assert.strictEqual(limitsIn({}).size, 0)
  })
})
