import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheAccounting } from "../../src/cache/CacheAccounting.ts"
import { MAX_ANSWER, MessageAccumulator } from "../../src/codec/MessageAccumulator.ts"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { type Answer, type ClientRequest, Exchange } from "../../src/exchange/Exchange.ts"
import { Heartbeat } from "../../src/exchange/Heartbeat.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import * as PinStoreMemory from "../../src/exchange/PinStoreMemory.ts"
import { ModelList } from "../../src/exchange/ModelList.ts"
import {
  type ContentBlock,
  type ContentDelta,
  type ContentEvent,
  Message,
  MessageEvent
} from "../../src/message/MessageEvent.ts"
import type { RecordedUsage } from "../../src/message/RequestRecord.ts"
import { UpstreamFailure } from "../../src/upstream/UpstreamFailure.ts"
import { answers, type FakeOptions, fails, makeFakes, reasonOf, request, settlement, text } from "./Fakes.ts"
import { makeSink } from "./RecordingSink.ts"

const quickstart = quickstartConfig(".")
const own = { models: { aliases: { "my-model": "claude-opus-4.8" } }, systemPrompt: { prepend: "Be brief." } }
const file = { ...quickstart, written: { ...quickstart.written, ...own } }

const layerOf = (fakes: ReturnType<typeof makeFakes>) =>
  Exchange.layer.pipe(
    Layer.provide([ModelList.layer, Heartbeat.layer, CacheAccounting.layer, PinStoreMemory.layer]),
    Layer.provideMerge(Ledger.layer(Duration.days(1)).pipe(Layer.provide(LedgerStoreMemory.layer), Layer.orDie)),
    Layer.provide([fakes.layer, RuntimeSettings.layerMemory(file)])
  )

const test = <A, E>(
  options: FakeOptions,
  body: (exchange: Exchange["Service"], fakes: ReturnType<typeof makeFakes>) => Effect.Effect<A, E, Ledger>
) =>
  Effect.suspend(() => {
    const fakes = makeFakes(options)
    return Effect.provide(
      Effect.flatMap(Exchange, (exchange) => body(exchange, fakes)),
      layerOf(fakes)
    )
  })

const client: ClientRequest = {
  requestId: "req_1",
  request,
  original: null,
  id: null,
  session: null,
  hold: false,
  isGone: () => true
}

const readMessage = Schema.decodeUnknownSync(Schema.fromJsonString(Message))

/** The message that a client gets who asks for all of it at once. */
const told = ({ body }: Answer): Message => readMessage(body)

/** The message that a client of the stream ends up with. */
const messageOf = (events: ReadonlyArray<MessageEvent>): Message => {
  const content = new MessageAccumulator()
  const [first, ...rest] = events
  const end = events.find((event) => event.type === "message_delta")
  if (first?.type !== "message_start" || end === undefined) return assert.fail("no beginning or no end")
  for (const event of rest) {
    if (event.type === "message_start") assert.fail("two beginnings")
    if (event.type !== "message_delta" && event.type !== "message_stop") content.push([event])
  }
  return { ...first.message, ...end.delta, usage: end.usage, content: content.finish() }
}

const blocks: ReadonlyArray<readonly [ContentBlock, (piece: string) => ContentDelta]> = [
  [{ type: "text", text: "" }, (text) => ({ type: "text_delta", text })],
  [{ type: "thinking", thinking: "", signature: "" }, (thinking) => ({ type: "thinking_delta", thinking })],
  [
    { type: "tool_use", id: "t", name: "n", input: {} },
    (piece) => ({ type: "input_json_delta", partial_json: JSON.stringify(piece) })
  ],
  [{ type: "redacted_thinking", data: "abc" }, (signature) => ({ type: "signature_delta", signature })]
]

const Choice = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: blocks.length - 1 })))
const Pieces = Arbitrary.array(Arbitrary.schema(Schema.String), { maxLength: 4 })
const Drawn = Arbitrary.array(Arbitrary.all([Choice, Pieces]), { maxLength: 6 })

/** The drawn blocks, each with its events as one chunk of the upstream. */
const chunksOf = (drawn: ReadonlyArray<readonly [number, ReadonlyArray<string>]>) =>
  drawn.flatMap(([choice, pieces], index): ReadonlyArray<ReadonlyArray<ContentEvent>> => {
    const chosen = blocks[choice]
    if (chosen === undefined) return []
    const [content_block, delta] = chosen
    return [
      [
        { type: "content_block_start", index, content_block },
        ...pieces.map((piece) => ({ type: "content_block_delta", index, delta: delta(piece) }) as const),
        { type: "content_block_stop", index }
      ]
    ]
  })

const inChunks =
  (chunks: ReadonlyArray<ReadonlyArray<ContentEvent>>): FakeOptions["script"][number] =>
  (_call, _lease, sink) =>
    Effect.gen(function* () {
      sink.open(() => {})
      for (const chunk of chunks) {
        sink.write(chunk)
        yield* Effect.yieldNow
      }
      return settlement
    })

const isEvent = Schema.is(MessageEvent)
const isMessage = Schema.is(Message)

describe("Exchange", () => {
  it.effect.prop("says the same in a stream, in one held back, and whole", [Drawn], ([drawn]) =>
    test({ script: [inChunks(chunksOf(drawn))] }, (exchange) =>
      Effect.gen(function* () {
        const live = makeSink()
        const held = makeSink()
        yield* exchange.stream(client, live)
        yield* exchange.stream({ ...client, hold: true }, held)
        const answer = yield* exchange.complete(client)
        const { head } = answer
        const message = told(answer)
        for (const event of [...live.events, ...held.events]) assert.isTrue(isEvent(event), JSON.stringify(event))
        assert.isTrue(isMessage(message))
        const same = { ...message, id: "" }
        assert.deepStrictEqual({ ...messageOf(live.events), id: "" }, same)
        assert.deepStrictEqual({ ...messageOf(held.events), id: "" }, same)
        const first = held.events[0]
        assert.deepStrictEqual(first?.type === "message_start" ? first.message.usage : null, message.usage)
        assert.strictEqual(message.usage.weir?.source, "upstream")
        assert.strictEqual(head.attempts, 1)
      })
    )
  )

  it.effect("gives every answer an id of its own, in Anthropic's form", () =>
    test({ script: [answers()] }, (exchange) =>
      Effect.gen(function* () {
        const ids = yield* Effect.forEach([1, 2, 3], () =>
          Effect.map(exchange.complete(client), (answer) => told(answer).id)
        )
        for (const id of ids) assert.match(id, /^msg_[0-9A-Za-z]{24}$/)
        assert.strictEqual(new Set(ids).size, 3)
      })
    )
  )

  const names: ReadonlyArray<readonly [asked: string, sent: string, told: string]> = [
    ["claude-sonnet-4-5-20250929", "claude-sonnet-4.5", "claude-sonnet-4-5-20250929"],
    ["claude-opus-4-6-thinking", "claude-opus-4.6", "claude-opus-4-6-thinking"],
    ["my-model", "claude-opus-4.8", "claude-opus-4-8"]
  ]
  for (const [asked, sent, named] of names) {
    it.effect(`sends ${asked} as ${sent} and tells the client ${named}`, () => {
      const models: Array<string> = []
      const script: FakeOptions["script"] = [
        (call, lease, sink) => {
          models.push(call.model)
          return answers()(call, lease, sink)
        }
      ]
      return test({ script }, (exchange) =>
        Effect.gen(function* () {
          const answer = yield* exchange.complete({ ...client, request: { ...request, model: asked } })
          assert.strictEqual(told(answer).model, named)
          assert.deepStrictEqual(models, [sent])
        })
      )
    })
  }

  it.effect("sends the operator's system prompt along, and the conversation that the client named", () => {
    const session = "0b3f1a52-7c1e-4d70-9a55-0d5b1c3e7f01"
    const seen: Array<unknown> = []
    const script: FakeOptions["script"] = [
      (call, lease, sink) => {
        seen.push(call.request.system, call.conversation)
        return answers()(call, lease, sink)
      }
    ]
    return test({ script }, (exchange) =>
      Effect.gen(function* () {
        yield* exchange.complete({ ...client, session })
        assert.deepStrictEqual(seen, [[{ type: "text", text: "Be brief." }], session])
      })
    )
  })

  it.effect("finds no thread to continue, without asking an upstream", () =>
    test({ script: [answers()] }, (exchange, { calls }) =>
      Effect.gen(function* () {
        const thread = { type: "continue", previous_message_id: "msg_1" }
        const error = yield* Effect.flip(exchange.complete({ ...client, request: { ...request, thread } }))
        assert.strictEqual(error.reason._tag, "ThreadNotFound")
        assert.deepStrictEqual(calls, [])
        yield* exchange.complete({ ...client, request: { ...request, thread: { type: "create" } } })
        assert.strictEqual(calls.length, 1)
      })
    )
  )

  it.effect("counts searches in the usage", () =>
    test({ script: [() => Effect.succeed({ ...settlement, webSearches: 2 })] }, (exchange) =>
      Effect.gen(function* () {
        const { usage } = yield* exchange.complete(client)
        assert.deepStrictEqual(usage.server_tool_use, { web_search_requests: 2 })
      })
    )
  )

  const block = text("x".repeat(MAX_ANSWER / 4))
  const endless: FakeOptions["script"][number] = (_call, _lease, sink) =>
    Effect.gen(function* () {
      sink.open(() => {})
      for (;;) {
        sink.write(block)
        yield* Effect.yieldNow
      }
    })
  const long: FakeOptions["script"][number] = (_call, _lease, sink) =>
    Effect.sync(() => {
      for (let i = 0; i < 5; i++) sink.write(block)
      return settlement
    })
  for (const [what, script, hold] of [
    ["that never ends", endless, false],
    ["that ended", long, false],
    ["that ended, for a client whose streams are held back", long, true]
  ] as const) {
    it.effect(`refuses to give half of an answer ${what} and is too long to be kept`, () =>
      test({ script: [script] }, (exchange, { live }) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(exchange.complete({ ...client, hold }))
          assert.strictEqual(error.reason._tag, "Upstream")
          assert.strictEqual(live(), 0)
        })
      )
    )
  }

  for (const hold of [false, true]) {
    const whose = hold ? "a stream that is held back" : "a whole answer"
    it.effect(`begins ${whose} anew with another credential where the first one breaks off`, () => {
      const breaks: FakeOptions["script"][number] = (call, lease, sink) => {
        sink.open(() => {})
        sink.begun(() => settlement)
        sink.write(text("half"))
        return fails("stream_broken")(call, lease, sink)
      }
      return test({ credentials: ["a", "b"], script: [breaks, answers(text("whole"))] }, (exchange, { calls }) =>
        Effect.gen(function* () {
          const sink = makeSink()
          const running = hold
            ? Effect.as(exchange.stream({ ...client, hold }, sink), null)
            : Effect.map(exchange.complete(client), told)
          const fiber = yield* Effect.forkChild(running)
          yield* TestClock.adjust("1 second")
          const message = (yield* Fiber.join(fiber)) ?? messageOf(sink.events)
          assert.deepStrictEqual(message.content, [{ type: "text", text: "whole" }])
          assert.deepStrictEqual(
            calls.map(([id]) => id),
            ["a", "b"]
          )
        })
      )
    })
  }

  it.effect("fails before anything went out where no attempt got through", () =>
    test({ script: [fails("invalid_request")] }, (exchange) =>
      Effect.gen(function* () {
        const sink = makeSink()
        const exit = yield* Effect.exit(exchange.stream(client, sink))
        assert.isTrue(Exit.isFailure(exit))
        assert.deepStrictEqual(sink.log, [])
      })
    )
  )

  it.effect("fails without an end where the upstream breaks off in the middle", () => {
    const breaks: FakeOptions["script"][number] = (call, lease, sink) => {
      sink.open(() => {})
      sink.write(text("half"))
      return fails("stream_broken")(call, lease, sink)
    }
    return test({ script: [breaks] }, (exchange, { live }) =>
      Effect.gen(function* () {
        const sink = makeSink()
        const error = yield* Effect.flip(exchange.stream(client, sink))
        assert.strictEqual(error.reason._tag, "Upstream")
        assert.isFalse(sink.log.includes("message_delta") || sink.log.includes("message_stop"))
        assert.strictEqual(live(), 0)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(exchange.complete(client))))
      })
    )
  })

  const breaksLate: FakeOptions["script"][number] = (_call, _lease, sink) => {
    sink.open(() => {})
    sink.begun(() => settlement)
    sink.write(text("a"))
    const broken = Effect.fail(new UpstreamFailure({ reason: reasonOf("stream_broken") }))
    return Effect.andThen(Effect.sleep("20 seconds"), broken)
  }
  const outcomeOf = Effect.gen(function* () {
    const record = yield* Ledger.use((ledger) => ledger.find(client.requestId))
    return [record?.outcome, record?.status]
  })

  it.effect("keeps of an answer that is given whole what its client is told, however long it was made", () =>
    test({ script: [breaksLate] }, (exchange) =>
      Effect.gen(function* () {
        const whole = yield* Effect.forkChild(Effect.flip(exchange.complete(client)))
        yield* TestClock.adjust("2 minutes")
        yield* Fiber.join(whole)
        assert.deepStrictEqual(yield* outcomeOf, ["failed", 502])
      })
    )
  )

  it.effect("keeps that a client went away before it was told anything", () =>
    test({ script: [breaksLate] }, (exchange) =>
      Effect.gen(function* () {
        const whole = yield* Effect.forkChild(exchange.complete(client))
        yield* TestClock.adjust("15 seconds")
        yield* Fiber.interrupt(whole)
        assert.deepStrictEqual(yield* outcomeOf, ["client_closed", 499])
      })
    )
  )

  it.effect("tells whoever let it in what the record has of its use, however it ends", () =>
    test({ script: [answers(), breaksLate] }, (exchange) =>
      Effect.gen(function* () {
        const told: Array<number> = []
        const asking = (requestId: string) => ({
          ...client,
          requestId,
          settled: ({ input_tokens, output_tokens }: RecordedUsage) => told.push(input_tokens + output_tokens)
        })
        yield* exchange.complete(asking("req_1"))
        const left = yield* Effect.forkChild(exchange.stream(asking("req_2"), makeSink()))
        yield* TestClock.adjust("15 seconds")
        yield* Fiber.interrupt(left)
        const broken = yield* Effect.forkChild(Effect.flip(exchange.complete(asking("req_3"))))
        yield* TestClock.adjust("2 minutes")
        yield* Fiber.join(broken)
        const thread = { type: "continue", previous_message_id: "msg_1" } as const
        yield* Effect.flip(exchange.complete({ ...asking("req_4"), request: { ...request, thread } }))
        const records = yield* Ledger.use((ledger) =>
          Effect.forEach(["req_1", "req_2", "req_3", "req_4"], (id) => ledger.find(id))
        )
        assert.deepStrictEqual(
          told,
          records.map((record) => (record === null ? -1 : record.usage.input_tokens + record.usage.output_tokens))
        )
        assert.deepStrictEqual(
          told.map((tokens) => tokens > 0),
          [true, true, true, false]
        )
      })
    )
  )
})
