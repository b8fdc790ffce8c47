/** The whole way of a request over a real pool, in front of two upstreams that do what a test says. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CacheAccounting } from "../../src/cache/CacheAccounting.ts"
import { decodeConfig } from "../../src/config/ConfigFile.ts"
import type { Json } from "../../src/config/Jsonc.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { type ClientRequest, Exchange } from "../../src/exchange/Exchange.ts"
import type { ExchangeError } from "../../src/exchange/ExchangeError.ts"
import { Heartbeat } from "../../src/exchange/Heartbeat.ts"
import { ModelList } from "../../src/exchange/ModelList.ts"
import * as PinStoreMemory from "../../src/exchange/PinStoreMemory.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import type { FailureKind } from "../../src/message/FailureReason.ts"
import { UpstreamFailure } from "../../src/upstream/UpstreamFailure.ts"
import { UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"
import { kinds } from "../../src/upstream/kiro/KiroProvider.ts"
import * as Upstreams from "../../src/upstream/Upstreams.ts"
import { ready, storeOf } from "../credential/PoolRig.ts"
import { answers, fails, type FakeOptions, reasonOf, request, text } from "./Fakes.ts"
import { makeSink } from "./RecordingSink.ts"

type Send = FakeOptions["script"][number]

interface Scripts {
  /** One call of each upstream after the other; the last stands for all that follow. */
  readonly first: ReadonlyArray<Send>
  readonly second: ReadonlyArray<Send>
  readonly models?: { readonly [member: string]: Json }
}

const first = UpstreamId.make("first")
const second = UpstreamId.make("second")

/** Events, and then a break. */
const breaksOff =
  (kind: FailureKind): Send =>
  (_call, _lease, sink) =>
    Effect.suspend(() => {
      sink.open(() => {})
      sink.write(text("begun"))
      return Effect.fail(new UpstreamFailure({ reason: reasonOf(kind) }))
    })

const services = ({ models = {}, ...scripts }: Scripts, calls: Array<string>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const upstreams = [first, second].map((id) => ({ id, kind: "sandbox" }))
      const file = yield* Effect.orDie(
        Effect.mapError(decodeConfig({ upstreams, models }, "."), ({ reason }) => new Error(reason))
      )
      const providerOf = (script: ReadonlyArray<Send>) => {
        let made = 0
        return UpstreamProvider.of({
          send: (call, lease, sink) => {
            calls.push(lease.credential.id)
            const step = script[Math.min(made++, script.length - 1)]
            return step === undefined ? Effect.die("no script") : step(call, lease, sink)
          },
          forward: () => Effect.die("nobody asks"),
          answersWhole: () => false,
          listModels: () => Effect.succeed([]),
          refresh: () => Effect.die("tokens are good for long"),
          discoverProfile: () => Effect.succeed(null),
          balance: () => Effect.die("nobody asks")
        })
      }
      const providers = new Map([
        [first, { provider: providerOf(scripts.first), kinds }],
        [second, { provider: providerOf(scripts.second), kinds }]
      ])
      const credentials = [
        ready("z", { upstream: second, priority: -1 }),
        ready("a", { upstream: first }),
        ready("b", { upstream: first, priority: 1 })
      ]
      return Exchange.layer.pipe(
        Layer.provideMerge(
          Layer.mergeAll(
            ModelList.layer,
            Heartbeat.layer,
            CacheAccounting.layer,
            PinStoreMemory.layer,
            Ledger.layer(Duration.days(1)).pipe(Layer.provide(LedgerStoreMemory.layer))
          )
        ),
        Layer.provideMerge(Layer.fresh(CredentialPool.layer)),
        Layer.provide([storeOf(credentials), Upstreams.layer(Effect.succeed(providers))]),
        Layer.provideMerge(RuntimeSettings.layerMemory(file)),
        Layer.orDie
      )
    })
  )

interface Outcome {
  readonly exit: Exit.Exit<void, ExchangeError>
  readonly log: ReadonlyArray<string>
  readonly upstream: string | undefined
}

/** One request, however long it takes. */
const ask = (n = 1, model = request.model) =>
  Effect.gen(function* () {
    const exchange = yield* Exchange
    const sink = makeSink()
    const client: ClientRequest = {
      original: null,
      requestId: `req_${n}`,
      request: { ...request, model },
      id: null,
      session: null,
      hold: false,
      isGone: () => false
    }
    const fiber = yield* Effect.forkChild(Effect.exit(exchange.stream(client, sink)))
    yield* TestClock.adjust("10 seconds")
    const outcome: Outcome = { exit: yield* Fiber.join(fiber), log: sink.log, upstream: sink.heads[0]?.upstream }
    return outcome
  })

const test = <A, E>(
  scripts: Scripts,
  body: (calls: ReadonlyArray<string>) => Effect.Effect<A, E, Exchange | CredentialPool | Ledger | RuntimeSettings>
) =>
  Effect.suspend(() => {
    const calls: Array<string> = []
    return Effect.provide(body(calls), services(scripts, calls))
  })

describe("a request with two upstreams", () => {
  it.effect("is served by the first of the configuration, whatever the priorities say", () =>
    test({ first: [answers()], second: [answers()] }, (calls) =>
      Effect.gen(function* () {
        const { exit, upstream } = yield* ask()
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual([calls, upstream], [["a"], "first"])
      })
    )
  )

  it.effect("is served by the second once every credential of the first has failed, and the ledger says why", () =>
    test({ first: [fails("upstream_error")], second: [answers()] }, (calls) =>
      Effect.gen(function* () {
        const { exit, log, upstream } = yield* ask()
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual([calls, upstream], [["a", "b", "z"], "second"])
        assert.strictEqual(log.filter((type) => type === "message_start").length, 1)
        const found = yield* Ledger.use((ledger) => ledger.find("req_1"))
        assert.deepStrictEqual(
          found?.attempts.map(({ upstream, why }) => [upstream, why.because]),
          [
            ["first", "the lowest priority number"],
            ["first", "no other can serve"],
            ["second", "first: all 2 rest; second: no other can serve"]
          ]
        )
      })
    )
  )

  it.effect("is served by the second after the first had no capacity for the model, and the next one at once", () =>
    test({ first: [fails("model_capacity"), answers()], second: [answers()] }, (calls) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* ask(1)).upstream, "second")
        assert.deepStrictEqual(calls, ["a", "z"])
        assert.strictEqual((yield* ask(2)).upstream, "second")
        assert.strictEqual((yield* ask(3, "claude-opus-4-5")).upstream, "first", "another model")
        const found = yield* Ledger.use((ledger) => ledger.find("req_2"))
        assert.deepStrictEqual(
          found?.attempts.map(({ why }) => why.because),
          ["first: no capacity for the model; second: no other can serve"]
        )
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* ask(4)).upstream, "first")
      })
    )
  )

  for (const kind of ["invalid_request", "prompt_too_long"] as const) {
    it.effect(`is not asked of the second after what is the client's own to mend: ${kind}`, () =>
      test({ first: [fails(kind)], second: [answers()] }, (calls) =>
        Effect.gen(function* () {
          assert.isTrue(Exit.isFailure((yield* ask()).exit))
          assert.deepStrictEqual(calls, ["a"])
        })
      )
    )
  }

  for (const kind of ["upstream_error", "stream_broken", "model_capacity"] as const) {
    it.effect(`is never begun again by the second after the first event: ${kind}`, () =>
      test({ first: [breaksOff(kind)], second: [answers()] }, (calls) =>
        Effect.gen(function* () {
          const { exit, log } = yield* ask()
          assert.isTrue(Exit.isFailure(exit))
          assert.deepStrictEqual(calls, ["a"])
          assert.notInclude(log, "message_stop")
        })
      )
    )
  }

  it.effect("goes by the routes of the moment, and only to upstreams that they name", () =>
    test({ first: [answers()], second: [fails("upstream_error"), answers()] }, (calls) =>
      Effect.gen(function* () {
        const settings = yield* RuntimeSettings
        yield* settings.update("models", {
          routes: { "claude-*": ["second"], "claude-sonnet-4.5": ["second", "first"] }
        })
        assert.strictEqual((yield* ask(1)).upstream, "first", "the second failed")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* ask(2, "claude-opus-4-5")).upstream, "second")
        yield* settings.remove("models", "routes")
        assert.strictEqual((yield* ask(3, "claude-opus-4-5")).upstream, "first")
        assert.deepStrictEqual(calls, ["z", "a", "z", "a"])
      })
    )
  )
})
