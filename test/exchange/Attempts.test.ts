import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import type { RetrySettings } from "../../src/config/HotSettings.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import * as Attempts from "../../src/exchange/Attempts.ts"
import type { ExchangeError } from "../../src/exchange/ExchangeError.ts"
import { Relay } from "../../src/exchange/Relay.ts"
import { Trail } from "../../src/exchange/Trail.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import type { FailureKind } from "../../src/message/FailureReason.ts"
import { UpstreamFailure } from "../../src/upstream/UpstreamFailure.ts"
import { UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"
import {
  answers,
  type FakeOptions,
  type Fakes,
  fails,
  makeFakes,
  reasonOf,
  request,
  settlement,
  text
} from "./Fakes.ts"
import { start } from "./Start.ts"
import { makeSink, type RecordingSink } from "./RecordingSink.ts"

const { config } = quickstartConfig(".")

interface Outcome extends Fakes {
  readonly exit: Exit.Exit<Attempts.Answered, ExchangeError>
  readonly sink: RecordingSink
  readonly relay: Relay
  readonly trail: Trail
  /** Milliseconds until the end. */
  readonly took: number
}

const begin = (options: FakeOptions, retry: Partial<RetrySettings> = {}) =>
  Effect.gen(function* () {
    const fakes = makeFakes(options)
    const clock = yield* Clock.Clock
    const sink = makeSink()
    const relay = new Relay(start, sink, () => clock.currentTimeMillisUnsafe(), false)
    const trail = new Trail(
      relay,
      () => null,
      () => clock.currentTimeMillisUnsafe()
    )
    const settings = { ...config, retry: { ...config.retry, ...retry } }
    const running = Effect.gen(function* () {
      const pool = yield* CredentialPool
      const provider = yield* UpstreamProvider
      const affinity = { from: null, to: "conversation" }
      const aside = {
        upstreams: [UpstreamId.make("kiro")],
        only: null,
        holder: null,
        client: null,
        original: null,
        changes: {}
      }
      const call = { request, model: "m", conversation: null, cachePoints: 0, affinity, ...aside }
      const exit = yield* Effect.exit(Attempts.run({ pool, provider, settings, clock, trail }, call, relay))
      return { exit, took: yield* Clock.currentTimeMillis }
    })
    const fiber = yield* Effect.forkChild(Effect.provide(running, fakes.layer))
    return { ...fakes, sink, relay, trail, fiber }
  })

/** Runs to the end, however long that takes. */
const attempt = (options: FakeOptions, retry: Partial<RetrySettings> = {}): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const { fiber, ...rest } = yield* begin(options, retry)
    yield* TestClock.adjust("10 minutes")
    return { ...rest, ...(yield* Fiber.join(fiber)) }
  })

const ids = ({ calls }: Fakes) => calls.map(([id]) => id)
const times = ({ calls }: Fakes) => calls.map(([, at]) => at)

const reasonIn = ({ exit }: Outcome) => {
  const error = Exit.isFailure(exit) ? exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error : undefined
  assert.isDefined(error)
  return error.reason
}
const failedWith = (outcome: Outcome): string => {
  const reason = reasonIn(outcome)
  return reason._tag === "Upstream" ? reason.failure.kind : reason._tag === "Pool" ? reason.pool._tag : reason._tag
}

describe("Attempts", () => {
  it.effect("answers with the first credential, and says so to the pool", () =>
    Effect.gen(function* () {
      const outcome = yield* attempt({ credentials: ["a", "b"], script: [answers()] })
      assert.isTrue(Exit.isSuccess(outcome.exit))
      assert.deepStrictEqual(outcome.reports, ["a success"])
      assert.strictEqual(outcome.relay.head.attempts, 1)
      assert.strictEqual(outcome.live(), 0)
    })
  )

  it.effect("tries more credentials a little later each time while the upstream is at fault", () =>
    Effect.gen(function* () {
      const credentials = ["a", "b", "c", "d"]
      const outcome = yield* attempt({ credentials, script: [fails("timeout"), fails("upstream_error")] })
      assert.deepStrictEqual(ids(outcome).slice(0, 4), credentials)
      assert.deepStrictEqual(times(outcome).slice(0, 4), [0, 100, 300, 600])
    })
  )

  for (const [kind, least, most] of [
    ["network", 200, 250],
    ["timeout", 100, 100],
    ["upstream_error", 100, 100]
  ] as const) {
    it.effect(`tries the next credential soon after ${kind}`, () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ credentials: ["a", "b"], script: [fails(kind), answers()] })
        assert.deepStrictEqual(ids(outcome), ["a", "b"])
        const [, second = 0] = times(outcome)
        assert.isTrue(second >= least && second <= most, `${second}`)
        assert.strictEqual(outcome.relay.head.attempts, 2)
      })
    )

    it.effect(`tries the only credential again after ${kind}, with growing delays, up to its limit`, () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ script: [fails(kind)] })
        assert.strictEqual(failedWith(outcome), kind)
        assert.deepStrictEqual(outcome.reports, [`a ${kind} may retry`, `a ${kind} may retry`, `a ${kind}`])
        const [first = 0, second = 0, third = 0] = times(outcome)
        assert.strictEqual(first, 0)
        assert.isTrue(second >= 200 && second <= 250, `${second}`)
        assert.isTrue(third - second >= 400 && third - second <= 500, `${third - second}`)
        assert.isBelow(outcome.took, third + 1, "nobody waits where no attempt follows")
      })
    )
  }

  it.effect("makes no more attempts in all than the settings allow", () =>
    Effect.gen(function* () {
      const credentials = ["a", "b", "c", "d"]
      const outcome = yield* attempt({ credentials, script: [fails("upstream_error")] }, { maxAttempts: 3 })
      assert.deepStrictEqual(ids(outcome), ["a", "b", "c"])
      assert.strictEqual(failedWith(outcome), "upstream_error")
    })
  )

  const own: ReadonlyArray<FailureKind> = ["rate_limit", "quota_exceeded", "auth", "suspicious_activity"]
  for (const kind of own) {
    it.effect(`goes to the next credential at once after ${kind}, and never back`, () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ credentials: ["a", "b"], script: [fails(kind)] })
        assert.deepStrictEqual(ids(outcome), ["a", "b"])
        assert.strictEqual(outcome.took, 0)
        assert.strictEqual(failedWith(outcome), kind)
      })
    )
  }

  it.effect("gives a model without capacity one more chance after half a second, with any credential", () =>
    Effect.gen(function* () {
      const outcome = yield* attempt({ credentials: ["a", "b", "c"], script: [fails("model_capacity")] })
      assert.deepStrictEqual(times(outcome), [0, 500])
      assert.strictEqual(failedWith(outcome), "model_capacity")
    })
  )

  it.effect("does not repeat a request that is refused for what it is", () =>
    Effect.gen(function* () {
      const outcome = yield* attempt({ credentials: ["a", "b"], script: [fails("invalid_request")] })
      assert.deepStrictEqual(ids(outcome), ["a"])
      assert.strictEqual(failedWith(outcome), "invalid_request")
    })
  )

  describe("tokens", () => {
    it.effect("are renewed once, which is not an attempt", () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ script: [fails("token_rejected"), answers()] }, { maxAttempts: 1 })
        assert.isTrue(Exit.isSuccess(outcome.exit))
        assert.deepStrictEqual(outcome.refreshes, ["a"])
        assert.strictEqual(outcome.relay.head.attempts, 1)
        assert.deepStrictEqual(outcome.reports, ["a success"])
      })
    )

    it.effect("are not renewed a second time", () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ script: [fails("token_rejected")] })
        assert.deepStrictEqual(outcome.refreshes, ["a"])
        assert.deepStrictEqual(ids(outcome), ["a", "a"])
        assert.deepStrictEqual(outcome.reports, ["a token_rejected"])
      })
    )

    it.effect("that cannot be renewed count against their credential, and another is tried", () =>
      Effect.gen(function* () {
        const script = [fails("token_rejected"), answers()]
        const outcome = yield* attempt({ credentials: ["a", "b"], replaces: false, script })
        assert.deepStrictEqual(ids(outcome), ["a", "b"])
        assert.deepStrictEqual(outcome.reports, ["a token_rejected", "b success"])
      })
    )

    it.effect("that could not be renewed now count against nobody, and another credential is tried", () =>
      Effect.gen(function* () {
        const script = [fails("token_rejected"), answers()]
        const outcome = yield* attempt({ credentials: ["a", "b"], replaces: "unavailable", script })
        assert.deepStrictEqual(ids(outcome), ["a", "b"])
        assert.deepStrictEqual(outcome.reports, ["a no token may retry", "b success"])
      })
    )

    it.effect("that are refused are asked for once in a request, and the client is told", () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ noToken: ["a"], script: [answers()] })
        assert.strictEqual(failedWith(outcome), "NoToken")
        assert.strictEqual(outcome.took, 0)
      })
    )

    it.effect("that cannot be had now are asked for again after a delay", () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ noToken: ["a"], transient: true, script: [answers()] })
        assert.strictEqual(failedWith(outcome), "NoToken")
        assert.isAtLeast(outcome.took, 480)
      })
    )

    it.effect("that are missing on one credential send the request to another", () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ credentials: ["a", "b"], noToken: ["a"], script: [answers()] })
        assert.deepStrictEqual(ids(outcome), ["b"])
      })
    )
  })

  describe("the budget", () => {
    const budget = Duration.seconds(10)

    it.effect("cuts what an upstream may take for its header to what is left", () =>
      Effect.gen(function* () {
        const script = [fails("timeout", 4_000), fails("timeout", 4_000), answers()]
        const outcome = yield* attempt(
          { credentials: ["a", "b", "c"], script },
          { budget, headerTimeout: Duration.seconds(4) }
        )
        assert.deepStrictEqual(
          outcome.calls.map(([, , headerTimeoutMs]) => headerTimeoutMs),
          [4_000, 4_000, 1_700]
        )
      })
    )

    it.effect("does not run while the request waits for a permit", () =>
      Effect.gen(function* () {
        const script = [fails("upstream_error", 1_000), answers()]
        const outcome = yield* attempt({ credentials: ["a", "b"], leaseTakes: 30_000, script }, { budget })
        assert.isTrue(Exit.isSuccess(outcome.exit))
        assert.deepStrictEqual(
          outcome.calls.map(([, , headerTimeoutMs]) => headerTimeoutMs),
          [10_000, 8_900]
        )
      })
    )

    it.effect("runs during a refresh", () =>
      Effect.gen(function* () {
        const outcome = yield* attempt(
          { refreshTakes: 60_000, script: [fails("token_rejected"), answers()] },
          { budget }
        )
        assert.strictEqual(failedWith(outcome), "BudgetSpent")
        assert.strictEqual(outcome.took, 10_000)
      })
    )

    it.effect("is not waited for where the delay is longer than what is left, and the credential then rests", () =>
      Effect.gen(function* () {
        const outcome = yield* attempt({ script: [fails("upstream_error", 9_950)] }, { budget })
        assert.strictEqual(failedWith(outcome), "BudgetSpent")
        assert.strictEqual(outcome.took, 9_950)
        assert.deepStrictEqual(outcome.reports, ["a upstream_error"])
      })
    )

    it.effect("ends an upstream that accepted and then says nothing, which counts as its timeout", () =>
      Effect.gen(function* () {
        const silent: FakeOptions["script"][number] = (_call, _lease, sink) =>
          Effect.andThen(
            Effect.sync(() => sink.open(() => {})),
            Effect.never
          )
        const outcome = yield* attempt({ script: [silent] }, { budget, headerTimeout: Duration.seconds(5) })
        assert.strictEqual(failedWith(outcome), "BudgetSpent")
        assert.strictEqual(outcome.took, 10_000)
        assert.deepStrictEqual(outcome.reports, ["a timeout"])
        assert.strictEqual(outcome.live(), 0)
      })
    )

    it.effect("that leaves an upstream less than its time does not count against it", () =>
      Effect.gen(function* () {
        const script = [fails("upstream_error", 8_000), () => Effect.never]
        const outcome = yield* attempt({ credentials: ["a", "b"], script }, { budget })
        assert.strictEqual(failedWith(outcome), "BudgetSpent")
        assert.deepStrictEqual(outcome.reports, ["a upstream_error may retry"])
      })
    )

    it.effect("ends with the first event of an answer, whatever that says", () =>
      Effect.gen(function* () {
        const thinks: FakeOptions["script"][number] = (_call, _lease, sink) =>
          Effect.gen(function* () {
            sink.open(() => {})
            sink.begun(() => settlement)
            yield* Effect.sleep(60_000)
            sink.write(text("a"))
            return settlement
          })
        const outcome = yield* attempt({ script: [thinks] }, { budget })
        assert.isTrue(Exit.isSuccess(outcome.exit))
        assert.strictEqual(outcome.took, 60_000)
      })
    )

    it.effect("never cuts an answer that has begun", () =>
      Effect.gen(function* () {
        const slow: FakeOptions["script"][number] = (_call, _lease, sink) =>
          Effect.gen(function* () {
            sink.open(() => {})
            sink.write(text("a"))
            yield* Effect.sleep(60_000)
            sink.write(text("b", 1))
            return settlement
          })
        const outcome = yield* attempt({ script: [slow] }, { budget })
        assert.isTrue(Exit.isSuccess(outcome.exit))
        assert.strictEqual(outcome.took, 60_000)
      })
    )
  })

  it.effect("makes no further attempt once content has gone out", () =>
    Effect.gen(function* () {
      const breaks: FakeOptions["script"][number] = (_call, _lease, sink) =>
        Effect.suspend(() => {
          sink.open(() => {})
          sink.write(text("a"))
          return Effect.fail(new UpstreamFailure({ reason: reasonOf("stream_broken") }))
        })
      const outcome = yield* attempt({ credentials: ["a", "b"], script: [breaks, answers()] })
      assert.deepStrictEqual(ids(outcome), ["a"])
      assert.strictEqual(failedWith(outcome), "stream_broken")
    })
  )

  it.effect("still tries again after pings alone have gone out, and opens the answer once", () =>
    Effect.gen(function* () {
      const { fiber, relay, sink, ...rest } = yield* begin({
        credentials: ["a", "b"],
        script: [
          (_call, _lease, sink) =>
            Effect.andThen(
              Effect.sync(() => sink.open(() => {})),
              fails("upstream_error", 20_000)(_call, _lease, sink)
            ),
          answers()
        ]
      })
      yield* TestClock.adjust(10_000)
      relay.beat(10_000)
      assert.deepStrictEqual(sink.log, ["open", "ping"])
      assert.isFalse(relay.started)
      yield* TestClock.adjust(20_000)
      assert.isTrue(Exit.isSuccess((yield* Fiber.join(fiber)).exit))
      assert.deepStrictEqual(ids({ ...rest }), ["a", "b"])
      assert.strictEqual(sink.log.filter((entry) => entry === "open").length, 1)
    })
  )

  it.effect("gives everything back when the client goes away", () =>
    Effect.gen(function* () {
      let closed = false
      const script = [
        () =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              closed = true
            })
          )
      ]
      const { fiber, live, reports } = yield* begin({ script })
      yield* TestClock.adjust(1_000)
      assert.strictEqual(live(), 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(live(), 0)
      assert.isTrue(closed)
      assert.deepStrictEqual(reports, [])
    })
  )

  it.effect("holds no permit while it waits to try the same credential again", () =>
    Effect.gen(function* () {
      const { fiber, live } = yield* begin({ script: [fails("network"), answers()] })
      yield* TestClock.adjust(100)
      assert.strictEqual(live(), 0)
      yield* TestClock.adjust(1_000)
      assert.isTrue(Exit.isSuccess((yield* Fiber.join(fiber)).exit))
    })
  )
})
