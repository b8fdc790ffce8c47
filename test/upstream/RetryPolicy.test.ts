import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { effects } from "../../src/credential/Cooldown.ts"
import { FailureKind } from "../../src/message/FailureReason.ts"
import { rules } from "../../src/upstream/RetryPolicy.ts"

/** The delays before the first `count` further attempts, in milliseconds; fewer where the schedule gives up. */
const delays = Effect.fnUntraced(function* (kind: FailureKind, count: number) {
  const waits: Array<number> = []
  const step = yield* Schedule.toStep(rules[kind].schedule)
  for (let n = 0; n < count; n++) {
    const next = yield* Effect.result(step(n, undefined).pipe(Effect.catchCause(() => Effect.fail("over"))))
    if (next._tag === "Failure") break
    waits.push(Duration.toMillis(next.success[1]))
  }
  return waits
})

describe("RetryPolicy", () => {
  it.effect("waits longer and longer after faults of the way, up to two seconds, each time spread by a fifth", () =>
    Effect.gen(function* () {
      const waits = yield* delays("network", 8)
      const table = [200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000]
      assert.lengthOf(waits, table.length)
      for (const [at, wait] of waits.entries()) {
        assert.isAtLeast(wait, (table[at] ?? 0) * 0.8 - 1)
        assert.isAtMost(wait, (table[at] ?? 0) * 1.2 + 1)
      }
    })
  )

  it.effect("goes to another account at once", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays("rate_limit", 3), [0, 0, 0])
    })
  )

  it.effect("tries a model without capacity once more", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays("model_capacity", 3), [500])
    })
  )

  it("stops exactly where the request is at fault, and refreshes only a token", () => {
    for (const kind of FailureKind.literals) {
      const atFault = /^(invalid_|prompt_|document_|client_)/.test(kind)
      assert.strictEqual(rules[kind].next, atFault ? "stop" : kind === "token_rejected" ? "refresh" : "retry", kind)
      if (atFault) assert.strictEqual(effects[kind], "nothing", kind)
    }
  })
})
