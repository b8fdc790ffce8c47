import { assert, describe, it } from "@effect/vitest"
import { EventStreamCodec } from "@smithy/eventstream-codec"
import { Arbitrary, Schema } from "effect"
import { encodeFrame, FrameDecoder } from "../../../src/codec/EventStreamFraming.ts"
import { MessageAssembler } from "../../../src/codec/MessageAssembler.ts"
import type { FailureReason } from "../../../src/message/FailureReason.ts"
import { ContentEvent } from "../../../src/message/MessageEvent.ts"
import type { ResponsePart } from "../../../src/message/ResponsePart.ts"
import { end, initial, type KiroEnding, type KiroEventOptions, step } from "../../../src/upstream/kiro/KiroEvent.ts"
import { MAX_CALLS, MAX_INPUTS, MAX_SERVER_INPUT } from "../../../src/upstream/kiro/ToolCalls.ts"
import { problemsOf } from "../../codec/BlockChecker.ts"

const TEXT_EVENT =
  "0000007f0000005c7c7db5a80b3a6576656e742d74797065070016617373697374616e74526573706f6e73654576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74223a2248656c6c6f227d9b5d0635"
const CONTEXT_EVENT =
  "0000008600000057ae8b5e0c0b3a6576656e742d74797065070011636f6e7465787455736167654576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74657874557361676550657263656e74616765223a31322e357d775490df"
const EXCEPTION =
  "000000920000006c8ae0866a0f3a657863657074696f6e2d7479706507001e436f6e74656e744c656e6774684578636565646564457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22746f6f206c6f6e67227d379acc2f"

interface Read {
  readonly parts: ReadonlyArray<ResponsePart>
  readonly events: ReadonlyArray<ContentEvent>
  readonly ending: KiroEnding
  readonly failure: FailureReason | null
}

const defaults: KiroEventOptions = { thinking: true, toolNames: new Map(), serverTools: new Set() }

/** All that is read from the bytes, fed in pieces of the given sizes and then the rest. */
const read = (bytes: Uint8Array, options: Partial<KiroEventOptions> = {}, sizes: ReadonlyArray<number> = []): Read => {
  const decoder = new FrameDecoder()
  const state = initial({ ...defaults, ...options })
  const assembler = new MessageAssembler({ maxTokens: 1e9, stopSequences: [], omitThinking: false })
  const parts: Array<ResponsePart> = []
  const emit = (part: ResponsePart) => {
    parts.push(part)
    assembler.push(part)
  }
  let failure: FailureReason | null = null
  let at = 0
  for (const size of [...sizes, bytes.length]) {
    const error = decoder.push(bytes.subarray(at, at + size), (frame) => {
      failure = step(state, frame, emit)
    })
    assert.isNull(error)
    at += size
  }
  const ending = end(state, emit)
  assembler.finish()
  return { parts, events: assembler.take(), ending, failure }
}

const json = (value: unknown): string => JSON.stringify(value)
const event = (type: string, payload: unknown): Uint8Array =>
  encodeFrame(
    [
      [":event-type", type],
      [":content-type", "application/json"],
      [":message-type", "event"]
    ],
    json(payload)
  )
const exception = (type: string, payload: unknown): Uint8Array =>
  encodeFrame(
    [
      [":exception-type", type],
      [":message-type", "exception"]
    ],
    typeof payload === "string" ? payload : json(payload)
  )
const errorFrame = (code: string, message: string): Uint8Array =>
  encodeFrame(
    [
      [":message-type", "error"],
      [":error-code", code],
      [":error-message", message]
    ],
    ""
  )
const text = (content: string) => event("assistantResponseEvent", { content })
const reasoning = (payload: object) => event("reasoningContentEvent", payload)
const tool = (id: string, more: object = {}) => event("toolUseEvent", { toolUseId: id, name: "get_weather", ...more })
const join = (...frames: ReadonlyArray<Uint8Array>) => Buffer.concat(frames)

/** Events in short: `+text`, `text_delta:a`, `-`. */
const short = ({ events }: Read): string =>
  events
    .map((event) => {
      if (event.type === "content_block_start") return `+${event.content_block.type}`
      return event.type === "content_block_stop" ? "-" : Object.values(event.delta).join(":")
    })
    .join(" ")

describe("the frames that the protocol gives as bytes", () => {
  const bytes = Buffer.from(TEXT_EVENT + CONTEXT_EVENT + EXCEPTION, "hex")

  it("are text, a share of the context window, and an answer that grew too long", () => {
    const all = read(bytes)
    assert.strictEqual(short(all), "+text text_delta:Hello -")
    assert.isNull(all.failure)
    assert.strictEqual(all.ending.stopReason, "max_tokens")
    assert.deepStrictEqual(all.ending.usage, { contextUsagePercentage: 12.5 })
  })

  it("are the same frames to AWS's own codec", () => {
    const codec = new EventStreamCodec(
      (value) => Buffer.from(value).toString("utf8"),
      (value) => Buffer.from(value, "utf8")
    )
    const message = codec.decode(Buffer.from(TEXT_EVENT, "hex"))
    assert.strictEqual(message.headers[":event-type"]?.value, "assistantResponseEvent")
    assert.strictEqual(Buffer.from(message.body).toString("utf8"), '{"content":"Hello"}')
  })
})

const word = Arbitrary.schema(
  Schema.Union([Schema.Literals(["a", "<thinking>", "</thinking>\n\n", "漢😀", " "]), Schema.String])
)
const ids = Arbitrary.schema(Schema.Literals(["t1", "t2", "t3"]))
const makers: ReadonlyArray<(word: string, id: string) => Uint8Array> = [
  (word) => text(word),
  (word) => text(word),
  (word) => reasoning({ text: word }),
  (word) => reasoning({ signature: `s${word}` }),
  (word) => reasoning({ text: word, signature: "both" }),
  () => reasoning({ redactedContent: "AAEC" }),
  (_, id) => tool(id),
  (word, id) => tool(id, { input: word }),
  (_, id) => tool(id, { input: { city: "Paris" } }),
  (_, id) => tool(id, { stop: true }),
  (_, id) => event("toolUseEvent", { toolUseId: `s${id}`, name: "web_search", input: '{"query":"x"}', stop: true }),
  () => event("contextUsageEvent", { contextUsagePercentage: 12.5 }),
  () => event("meteringEvent", { usage: 0.25, unit: "credit" }),
  () => event("metadataEvent", { tokenUsage: { outputTokens: 3 } }),
  (word) => event("somethingNewEvent", { word }),
  () => event("citationEvent", { citationText: "c" })
]
const maker = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: makers.length - 1 })))
const frame = Arbitrary.map(Arbitrary.all([maker, word, ids]), ([at, word, id]) => makers[at]?.(word, id) ?? text(word))
const answers = Arbitrary.map(Arbitrary.array(frame, { maxLength: 25 }), (frames) => join(...frames))
const sizes = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 150 }))), {
  maxLength: 30
})
const serverTools = new Set(["web_search"])

const isContentEvent = Schema.is(ContentEvent)

describe("an answer", () => {
  it.prop("is well-formed blocks whatever comes in whatever order", [answers, Schema.Boolean], ([bytes, thinking]) => {
    const all = read(bytes, { thinking, serverTools })
    assert.isNull(all.failure)
    assert.deepStrictEqual(problemsOf(all.events), [])
    for (const event of all.events) assert.isTrue(isContentEvent(event), JSON.stringify(event))
  })

  it.prop("is the same however its bytes are cut", [answers, sizes], ([bytes, sizes]) => {
    const { ending, parts } = read(bytes, { serverTools }, sizes)
    const whole = read(bytes, { serverTools })
    assert.deepStrictEqual(parts, whole.parts)
    assert.deepStrictEqual(ending, whole.ending)
  })

  it.prop("ends with tool_use only if every call is whole JSON", [answers], ([bytes]) => {
    const { ending, events } = read(bytes)
    if (ending.stopReason !== "tool_use") return
    let input = ""
    for (const event of events) {
      if (event.type === "content_block_start") input = ""
      if (event.type === "content_block_delta" && event.delta.type === "input_json_delta")
        input += event.delta.partial_json
      if (event.type === "content_block_stop" && input !== "") assert.doesNotThrow(() => JSON.parse(input))
    }
  })

  it("shows native thinking with the upstream's own signature", () => {
    const all = read(
      join(reasoning({ text: "h" }), reasoning({ text: "m" }), reasoning({ signature: "c2ln" }), text("a"))
    )
    assert.strictEqual(
      short(all),
      "+thinking thinking_delta:h thinking_delta:m signature_delta:c2ln - +text text_delta:a -"
    )
  })

  it("says nothing of a signature without thinking, or behind text", () => {
    assert.strictEqual(short(read(reasoning({ signature: "c2ln" }))), "")
    assert.strictEqual(
      short(read(join(reasoning({ text: "h" }), text("a"), reasoning({ signature: "late" })))),
      "+thinking thinking_delta:h - +text text_delta:a -"
    )
  })

  it("shows redacted thinking as it came", () => {
    const [start] = read(reasoning({ redactedContent: "AAEC" })).events
    assert.deepStrictEqual(start, {
      type: "content_block_start",
      index: 0,
      content_block: { type: "redacted_thinking", data: "AAEC" }
    })
  })

  it("drops thinking that was not asked for", () => {
    const bytes = join(reasoning({ text: "h" }), reasoning({ redactedContent: "AAEC" }), text("<thinking>a"))
    assert.strictEqual(short(read(bytes, { thinking: false })), "+text text_delta:<thinking>a -")
  })

  it("does not look for tags where thinking comes natively", () => {
    assert.strictEqual(
      short(read(join(reasoning({ text: "h" }), text("<thinking>a")))),
      "+thinking thinking_delta:h - +text text_delta:<thinking>a -"
    )
  })

  it("takes a call's fragments, under the client's own name whatever the case", () => {
    const all = read(
      join(
        tool("t1"),
        tool("t1", { input: '{"city": "Pa' }),
        tool("t1", { input: 'ris"}' }),
        tool("t1", { stop: true })
      ),
      {
        toolNames: new Map([["Get_Weather", "get-weather.v2"]])
      }
    )
    assert.deepStrictEqual(all.parts[0], { kind: "tool_start", id: "t1", name: "get-weather.v2" })
    assert.strictEqual(short(all), '+tool_use input_json_delta:{"city": "Pa input_json_delta:ris"} -')
    assert.strictEqual(all.ending.stopReason, "tool_use")
  })

  it("takes an input that is an object, and none at all for a call without one", () => {
    assert.strictEqual(short(read(tool("t1", { input: { a: 1 }, stop: true }))), '+tool_use input_json_delta:{"a":1} -')
    const bare = read(join(tool("t1"), tool("t1", { stop: true })))
    assert.strictEqual(short(bare), "+tool_use -")
    assert.strictEqual(bare.ending.stopReason, "tool_use")
  })

  it("is cut off, not ready to run, where a call has no end or no whole input", () => {
    for (const bytes of [
      tool("t1"),
      join(tool("t1"), tool("t1", { input: '{"comm' })),
      join(tool("t1"), tool("t1", { input: '{"comm' }), tool("t1", { stop: true }))
    ]) {
      const { ending, parts } = read(bytes)
      assert.strictEqual(ending.stopReason, "max_tokens")
      assert.isFalse(parts.some((part) => part.kind === "tool_input" && part.json === "{}"))
    }
  })

  it("keeps text that comes inside a call for behind it", () => {
    const all = read(join(tool("t1", { input: '{"a"' }), text("between"), tool("t1", { input: ":1}", stop: true })))
    assert.strictEqual(short(all), '+tool_use input_json_delta:{"a" input_json_delta::1} - +text text_delta:between -')
  })

  it("collects calls of the gateway's own tools whole, and drops what is not", () => {
    const call = { toolUseId: "tooluse_1", name: "WEB_SEARCH" }
    const { ending, parts } = read(
      join(
        event("toolUseEvent", { ...call, input: '{"query":' }),
        event("toolUseEvent", { ...call, input: '"x"}', stop: true }),
        event("toolUseEvent", { ...call, toolUseId: "tooluse_2", input: '{"que' })
      ),
      { serverTools }
    )
    assert.deepStrictEqual(ending.serverCalls, [
      { toolUseId: "tooluse_1", id: "srvtoolu_1", name: "WEB_SEARCH", input: { query: "x" } }
    ])
    assert.deepStrictEqual(
      parts.map(({ kind }) => kind),
      ["server_tool"]
    )
    assert.strictEqual(ending.stopReason, "max_tokens")
  })

  it("is bounded in calls and inputs", () => {
    const calls = join(...Array.from({ length: MAX_CALLS + 1 }, (_, at) => tool(`t${at}`, { stop: true })))
    assert.strictEqual(read(calls).failure?.kind, "stream_broken")
    const long = join(...Array.from({ length: 3 }, (_, at) => tool(`t${at}`, { input: "1".repeat(MAX_INPUTS / 2) })))
    assert.strictEqual(read(long).failure?.kind, "stream_broken")
    const server = event("toolUseEvent", {
      toolUseId: "s",
      name: "web_search",
      input: "1".repeat(MAX_SERVER_INPUT + 1)
    })
    assert.strictEqual(read(server, { serverTools }).failure?.kind, "stream_broken")
  })

  it("says who answered", () => {
    const bytes = event("assistantResponseEvent", { content: "a", modelId: "claude-opus-4.8" })
    assert.strictEqual(read(bytes).ending.answeredBy, "claude-opus-4.8")
  })

  it("is empty where nothing came, and not where the model chose to say nothing", () => {
    assert.isTrue(read(new Uint8Array()).ending.isEmpty)
    assert.isTrue(read(event("messageMetadataEvent", { conversationId: "c" })).ending.isEmpty)
    assert.isFalse(read(event("metadataEvent", { tokenUsage: { outputTokens: 0 } })).ending.isEmpty)
    assert.isFalse(read(event("meteringEvent", { usage: 0.1 })).ending.isEmpty)
    assert.isFalse(read(text("a")).ending.isEmpty)
  })
})

describe("a failure inside an answer", () => {
  const failures: ReadonlyArray<readonly [string, Uint8Array, string]> = [
    ["throttling", exception("ThrottlingException", { message: "slow" }), "rate_limit"],
    ["the month's quota", exception("ThrottlingException", { reason: "MONTHLY_REQUEST_COUNT" }), "quota_exceeded"],
    ["an internal error", exception("InternalServerException", { message: "oops" }), "upstream_error"],
    [
      "no capacity",
      exception("InternalServerException", { reason: "MODEL_TEMPORARILY_UNAVAILABLE" }),
      "model_capacity"
    ],
    ["a validation error", exception("ValidationException", { message: "suspicious activity" }), "invalid_request"],
    ["an unknown exception that is no JSON", exception("NewException", "oops"), "upstream_error"],
    ["an error frame", errorFrame("InternalError", "oops"), "upstream_error"],
    ["an error event", event("error", { message: "oops" }), "upstream_error"],
    [
      "an invalid state",
      event("invalidStateEvent", { reason: "INVALID_TASK_ASSIST_PLAN", message: "m" }),
      "upstream_error"
    ],
    ["a payload that is no object", event("assistantResponseEvent", ["a"]), "stream_broken"],
    ["content that is no text", event("assistantResponseEvent", { content: 1 }), "stream_broken"],
    ["a call without an id", event("toolUseEvent", { name: "n" }), "stream_broken"],
    ["a call without a name", event("toolUseEvent", { toolUseId: "t" }), "stream_broken"]
  ]

  for (const [name, bytes, kind] of failures) {
    it(`${name} is ${kind}, and nothing counts behind it`, () => {
      const { failure, parts } = read(join(text("a"), bytes, text("b")), { thinking: false })
      assert.strictEqual(failure?.kind, kind)
      assert.isNull(failure?.status ?? null)
      assert.deepStrictEqual(parts, [{ kind: "text", text: "a" }])
    })
  }
})

describe("usage", () => {
  const figures = {
    uncachedInputTokens: 7,
    outputTokens: 2,
    totalTokens: 17,
    cacheReadInputTokens: 5,
    cacheWriteInputTokens: 3
  }

  it("is read from metadata, from the root of tokenUsageEvent, and beside a share of the window", () => {
    assert.deepStrictEqual(read(event("metadataEvent", { tokenUsage: figures })).ending.usage, figures)
    assert.deepStrictEqual(read(event("tokenUsageEvent", figures)).ending.usage, figures)
    const both = join(
      event("metadataEvent", { tokenUsage: { ...figures, contextUsagePercentage: 3 } }),
      event("contextUsageEvent", { contextUsagePercentage: 4 })
    )
    assert.deepStrictEqual(read(both).ending.usage, { ...figures, contextUsagePercentage: 4 })
  })

  it("leaves out what is no count", () => {
    const odd = { uncachedInputTokens: -1, outputTokens: "2", totalTokens: null, contextUsagePercentage: 250 }
    assert.deepStrictEqual(read(event("metadataEvent", { tokenUsage: odd })).ending.usage, {
      contextUsagePercentage: 100
    })
  })

  it("adds credits up and takes the later of two counts", () => {
    const twice = join(
      event("meteringEvent", { usage: 0.25 }),
      event("meteringEvent", { usage: 0.5 }),
      event("metadataEvent", { tokenUsage: { outputTokens: 1 } }),
      event("tokenUsageEvent", { outputTokens: 9 })
    )
    assert.deepStrictEqual(read(twice).ending.usage, { credits: 0.75, outputTokens: 9 })
  })

  it("of a full window ends the answer for that reason", () => {
    const full = join(text("a"), event("contextUsageEvent", { contextUsagePercentage: 100 }))
    assert.strictEqual(read(full).ending.stopReason, "model_context_window_exceeded")
  })
})
