/** One call after another over a real pool, in front of accounts that do what a test says. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { type Forwarding, type ForwardingServices, forwardWhole } from "../../src/exchange/Forwarding.ts"
import type { FailureKind } from "../../src/message/FailureReason.ts"
import { UpstreamFailure } from "../../src/upstream/UpstreamFailure.ts"
import { UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"
import { poolOf, ready } from "../credential/PoolRig.ts"
import { reasonOf } from "./Fakes.ts"

type Forward = UpstreamProvider["Service"]["forward"]

const says =
  (...pieces: ReadonlyArray<string>): Forward =>
  (_call, _lease, sink) =>
    Effect.sync(() => {
      sink.head({ status: 200, headers: {} }, () => {})
      for (const piece of pieces) sink.data(new TextEncoder().encode(piece))
    })

const fails =
  (kind: FailureKind): Forward =>
  () =>
    Effect.fail(new UpstreamFailure({ reason: reasonOf(kind) }))

const forwarding: Forwarding = {
  call: { method: "GET", path: "/v1/files", query: "", headers: {}, body: null, headerTimeoutMs: 1, idleTimeoutMs: 1 },
  need: { model: null, holder: null, upstreams: null, only: null, conversation: null, client: null },
  tries: 3,
  mayRepeat: () => true
}

/** @param script one call after the other; the last stands for all that follow */
const test = <A, E>(
  script: ReadonlyArray<Forward>,
  body: (services: ForwardingServices, asked: ReadonlyArray<string>) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const asked: Array<string> = []
    const provider = Layer.mock(UpstreamProvider, {
      answersWhole: () => false,
      forward: (call, lease, sink) => {
        const step = script[Math.min(asked.length, script.length - 1)]
        asked.push(lease.credential.id)
        return step === undefined ? Effect.die("no script") : step(call, lease, sink)
      }
    })
    const services = {
      pool: yield* CredentialPool,
      provider: Context.get(yield* Layer.build(provider), UpstreamProvider),
      clock: yield* Clock.Clock
    }
    return yield* body(services, asked)
  }).pipe(Effect.provide(poolOf(["a", "b", "c", "d"].map((id, priority) => ready(id, { priority })))), Effect.scoped)

/** However long it waits. */
const ended = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(effect))
    yield* TestClock.adjust("10 seconds")
    return yield* Fiber.join(fiber)
  })

describe("Forwarding", () => {
  it.effect("gives an answer whole, and tells whose it is", () =>
    test([says("ab", "c")], ({ ...services }) =>
      Effect.gen(function* () {
        const { body, owner, tried } = yield* forwardWhole(services, forwarding)
        assert.strictEqual(new TextDecoder().decode(body), "abc")
        assert.deepStrictEqual([owner, tried.attempts], ["a", 1])
      })
    )
  )

  it.effect("tries others after what is an account's own fault, three in all", () =>
    test([fails("rate_limit"), fails("auth"), fails("rate_limit"), says("late")], (services, asked) =>
      Effect.gen(function* () {
        assert.isTrue(Exit.isFailure(yield* ended(forwardWhole(services, forwarding))))
        assert.deepStrictEqual(asked, ["a", "b", "c"])
      })
    )
  )

  it.effect("tries nobody else after what is the client's to mend, nor where the call must not be repeated", () =>
    test([fails("invalid_request"), fails("network")], (services, asked) =>
      Effect.gen(function* () {
        assert.isTrue(Exit.isFailure(yield* ended(forwardWhole(services, forwarding))))
        assert.isTrue(Exit.isFailure(yield* ended(forwardWhole(services, { ...forwarding, mayRepeat: () => false }))))
        assert.deepStrictEqual(asked, ["a", "a"])
      })
    )
  )

  it.effect("never begins again what was begun", () => {
    const breaks: Forward = (call, lease, sink) =>
      Effect.andThen(says("half")(call, lease, sink), fails("stream_broken")(call, lease, sink))
    return test([breaks, says("whole")], (services, asked) =>
      Effect.gen(function* () {
        assert.isTrue(Exit.isFailure(yield* ended(forwardWhole(services, forwarding))))
        assert.deepStrictEqual(asked, ["a"])
      })
    )
  })

  it.effect("takes no answer whole that is too long", () => {
    const endless: Forward = (_call, _lease, sink) =>
      Effect.suspend(() => {
        sink.head({ status: 200, headers: {} }, () => {})
        const piece = new Uint8Array(1024 * 1024)
        for (let n = 0; n < 1_000; n++) if (!sink.data(piece)) return Effect.never
        return Effect.void
      })
    return test([endless], (services) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(forwardWhole(services, forwarding))
        assert.strictEqual(error.reason._tag, "Upstream")
        assert.strictEqual((yield* services.pool.snapshot).outstanding, 0)
      })
    )
  })

  it.effect("lets an account rest only for what holds for all of it", () =>
    test([fails("rate_limit"), fails("upstream_error"), fails("key_rejected"), says("ok")], (services, asked) =>
      Effect.gen(function* () {
        const one = { ...forwarding, tries: 1 }
        for (let n = 0; n < 4; n++) yield* ended(forwardWhole(services, one))
        assert.deepStrictEqual(asked, ["a", "a", "a", "b"])
      })
    )
  )

  it.effect("stays with whom the conversation went on with", () =>
    test([fails("rate_limit"), says("ok")], (services, asked) =>
      Effect.gen(function* () {
        const bound = { ...forwarding, need: { ...forwarding.need, conversation: "account:key" } }
        yield* ended(forwardWhole(services, bound))
        yield* ended(forwardWhole(services, bound))
        yield* ended(forwardWhole(services, forwarding))
        assert.deepStrictEqual(asked, ["a", "b", "b", "a"])
      })
    )
  )
})
