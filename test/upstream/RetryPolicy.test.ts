import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { effects } from "../../src/credential/Cooldown.ts"
import { FailureKind } from "../../src/message/FailureReason.ts"
import { backoff, rules, stepwise } from "../../src/upstream/RetryPolicy.ts"

/** The first `count` delays, in milliseconds; fewer where the schedule gives up. */
const delays = Effect.fnUntraced(function* (schedule: Schedule.Schedule<unknown>, count: number) {
  const waits: Array<number> = []
  const step = yield* Schedule.toStep(schedule)
  for (let n = 0; n < count; n++) {
    const next = yield* Effect.result(step(n, undefined).pipe(Effect.catchCause(() => Effect.fail("over"))))
    if (next._tag === "Failure") break
    waits.push(Duration.toMillis(next.success[1]))
  }
  return waits
})

describe("RetryPolicy", () => {
  it.effect("waits twice as long after each network failure, up to two seconds, and up to a quarter more", () =>
    Effect.gen(function* () {
      const waits = yield* delays(backoff, 21)
      for (const [attempt, least] of [
        [0, 200],
        [1, 400],
        [20, 2_000]
      ] as const) {
        const wait = waits[attempt] ?? 0
        assert.isTrue(wait >= least && wait <= least * 1.25, `${attempt}: ${wait}`)
      }
    })
  )

  it.effect("switches to another credential a tenth of a second later each time, up to one second", () =>
    Effect.gen(function* () {
      const waits = yield* delays(stepwise, 21)
      assert.deepStrictEqual(
        [0, 1, 4, 9, 20].map((attempt) => waits[attempt]),
        [100, 200, 500, 1_000, 1_000]
      )
    })
  )

  it.effect("goes to another account at once where the fault is the account's own", () =>
    Effect.gen(function* () {
      for (const kind of ["rate_limit", "quota_exceeded", "auth"] as const) {
        assert.deepStrictEqual(yield* delays(rules[kind].switching, 3), [0, 0, 0])
      }
    })
  )

  it.effect("tries a model without capacity once more", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays(rules.model_capacity.switching, 3), [500])
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
