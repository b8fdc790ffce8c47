/** Answers in the upstream's own words, through the whole exchange. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CacheAccounting } from "../../src/cache/CacheAccounting.ts"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { type ClientRequest, Exchange } from "../../src/exchange/Exchange.ts"
import { Heartbeat } from "../../src/exchange/Heartbeat.ts"
import { ModelList } from "../../src/exchange/ModelList.ts"
import * as PinStoreMemory from "../../src/exchange/PinStoreMemory.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import type { Usage } from "../../src/message/Usage.ts"
import { failure } from "../../src/upstream/UpstreamFailure.ts"
import type { UpstreamProvider, Verbatim } from "../../src/upstream/UpstreamProvider.ts"
import { type FakeOptions, fails, makeFakes, request, settlement } from "./Fakes.ts"
import { makeSink } from "./RecordingSink.ts"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (text: string | Uint8Array): string => (typeof text === "string" ? text : new TextDecoder().decode(text))

const toldIn = (name: string) => (usage: Usage) =>
  bytesOf(`${name}(${usage.output_tokens},${usage.weir?.source ?? "none"})`)

const verbatim: Verbatim = {
  opening: { from: 2, to: 7, with: toldIn("start") },
  ending: toldIn("end")
}

type Send = UpstreamProvider["Service"]["send"]

/** An upstream whose answer's bytes are these, and then an end. */
const passes =
  (...parts: ReadonlyArray<string>): Send =>
  (_call, _lease, sink) =>
    Effect.sync(() => {
      sink.open(() => {}, { requestId: "req_up", limits: new Map() })
      sink.begun(() => settlement)
      for (const part of parts) sink.pass(bytesOf(part))
      return { ...settlement, stopReason: "compaction", verbatim }
    })

const client: ClientRequest = {
  requestId: "req_1",
  request: { ...request, stream: true },
  original: null,
  id: null,
  session: null,
  hold: false,
  isGone: () => false
}

/** With the time that its delays need. */
const inTime = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust("5 seconds")
    return yield* Fiber.join(fiber)
  })

const test = <E>(
  options: FakeOptions,
  body: (exchange: Exchange["Service"], ledger: Ledger["Service"]) => Effect.Effect<void, E>
) =>
  Effect.gen(function* () {
    yield* body(yield* Exchange, yield* Ledger)
  }).pipe(
    Effect.provide(
      Exchange.layer.pipe(
        Layer.provideMerge(
          Layer.mergeAll(ModelList.layer, Heartbeat.layer, CacheAccounting.layer, Ledger.layer(Duration.days(1)))
        ),
        Layer.provide(
          Layer.mergeAll(
            RuntimeSettings.layerMemory(quickstartConfig("/nowhere")),
            LedgerStoreMemory.layer,
            PinStoreMemory.layer
          )
        ),
        Layer.provideMerge(makeFakes(options).layer)
      )
    )
  )

describe("an answer in the upstream's own words", () => {
  it.effect("reaches a stream's client as it came, and its end knows the usage", () =>
    test({ script: [passes("a start b", "c")] }, (exchange, ledger) =>
      Effect.gen(function* () {
        const sink = makeSink()
        yield* exchange.stream(client, sink)
        assert.deepStrictEqual(sink.log, ["open", "a start b", "c", "end(5,upstream)"])
        const record = yield* ledger.find("req_1")
        assert.strictEqual(record?.stopReason, "compaction")
        assert.strictEqual(record?.attempts[0]?.upstreamRequestId, "req_up")
        assert.strictEqual(record?.usage.input_tokens, 10)
      })
    )
  )

  it.effect("is held whole for a client that reads usage only at the beginning", () =>
    test({ script: [passes("a start b", "c")] }, (exchange) =>
      Effect.gen(function* () {
        const sink = makeSink()
        yield* exchange.stream({ ...client, hold: true }, sink)
        assert.deepStrictEqual(sink.log, ["open", "a start(5,upstream) bcend(5,upstream)"])
      })
    )
  )

  it.effect("is given whole to a client that does not stream", () =>
    test({ script: [() => Effect.succeed({ ...settlement, verbatim: { ...verbatim, opening: null } })] }, (exchange) =>
      Effect.gen(function* () {
        const { body, usage } = yield* exchange.complete({ ...client, request })
        assert.strictEqual(textOf(body), "end(5,upstream)")
        assert.strictEqual(usage.output_tokens, 5)
      })
    )
  )

  it.effect("is made anew while none of it has reached the client, and never after that", () => {
    const broken: Send = (call, lease, sink) =>
      Effect.flatMap(passes("half")(call, lease, sink), () =>
        Effect.fail(failure("stream_broken", "upstream", "it broke off"))
      )
    return test({ credentials: ["a", "b"], script: [broken, passes("xx start"), broken] }, (exchange) =>
      Effect.gen(function* () {
        const held = makeSink()
        yield* inTime(exchange.stream({ ...client, hold: true }, held))
        assert.deepStrictEqual(held.log, ["open", "xxstart(5,upstream)tend(5,upstream)"])
        const live = makeSink()
        assert.isTrue(Exit.isFailure(yield* Effect.exit(inTime(exchange.stream(client, live)))))
        assert.deepStrictEqual(live.log, ["open", "half"])
      })
    )
  })

  it.effect("ends as it came where nothing had gone before it failed", () =>
    test({ credentials: ["a", "b"], script: [fails("model_capacity"), passes("xx start")] }, (exchange) =>
      Effect.gen(function* () {
        const sink = makeSink()
        yield* inTime(exchange.stream(client, sink))
        assert.deepStrictEqual(sink.log, ["open", "xx start", "end(5,upstream)"])
      })
    )
  )
})
