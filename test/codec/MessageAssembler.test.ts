import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { MAX_HELD } from "../../src/codec/HeldParts.ts"
import { type AssemblerOptions, MessageAssembler, outputLimit } from "../../src/codec/MessageAssembler.ts"
import type { ContentEvent } from "../../src/message/MessageEvent.ts"
import type { ResponsePart } from "../../src/message/ResponsePart.ts"
import { estimateText } from "../../src/message/TokenEstimate.ts"
import { problemsOf } from "./BlockChecker.ts"

const unlimited: AssemblerOptions = { maxTokens: 1e9, stopSequences: [], omitThinking: false }

const assemble = (parts: ReadonlyArray<ResponsePart>, options: Partial<AssemblerOptions> = {}) => {
  const assembler = new MessageAssembler({ ...unlimited, ...options })
  const events: Array<ContentEvent> = []
  for (const part of parts) {
    assembler.push(part)
    events.push(...assembler.take())
  }
  assembler.finish()
  events.push(...assembler.take())
  return { events, done: assembler.done, failure: assembler.failure, outputTokens: assembler.outputTokens }
}

const deltas = (events: ReadonlyArray<ContentEvent>, type: string): string =>
  events
    .flatMap((event) => (event.type === "content_block_delta" && event.delta.type === type ? [event.delta] : []))
    .map((delta) => Object.values(delta)[1])
    .join("")

/** Events in short: `+text`, `text_delta:a`, `-`. */
const short = (events: ReadonlyArray<ContentEvent>): ReadonlyArray<string> =>
  events.map((event) => {
    if (event.type === "content_block_start") return `+${event.content_block.type}`
    return event.type === "content_block_stop" ? "-" : Object.values(event.delta).join(":")
  })

const text = (text: string): ResponsePart => ({ kind: "text", text })
const thinking = (text: string): ResponsePart => ({ kind: "thinking", text })
const signature = (signature: string): ResponsePart => ({ kind: "signature", signature })
const start = (id: string): ResponsePart => ({ kind: "tool_start", id, name: `name of ${id}` })
const input = (id: string, json: string): ResponsePart => ({ kind: "tool_input", id, json })
const stop = (id: string): ResponsePart => ({ kind: "tool_stop", id })

const piece = Arbitrary.schema(
  Schema.Union([Schema.Literals(["a", "ab", "", "EN", "END", "漢字", "😀", "\n"]), Schema.String])
)
const id = Arbitrary.schema(Schema.Literals(["t1", "t2", "t3"]))
const kinds: ReadonlyArray<(piece: string, id: string) => ResponsePart> = [
  (piece) => text(piece),
  (piece) => text(piece),
  (piece) => thinking(piece),
  (piece) => signature(`s${piece}`),
  (_, id) => start(id),
  (piece, id) => input(id, piece),
  (_, id) => stop(id),
  (piece) => ({ kind: "redacted_thinking", data: piece }),
  (piece, id) => ({ kind: "server_tool", id: `srv${id}`, name: "web_search", input: { query: piece } }),
  (_, id) => ({ kind: "search_result", toolUseId: `srv${id}`, content: [] })
]
const kind = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: kinds.length - 1 })))
const part = Arbitrary.map(
  Arbitrary.all([kind, piece, id]),
  ([kind, piece, id]) => kinds[kind]?.(piece, id) ?? text(piece)
)
const anyParts = Arbitrary.array(part, { maxLength: 30 })

/** As a decoder gives them: each call begins once, and says nothing before its beginning or behind its end. */
const sensible = (parts: ReadonlyArray<ResponsePart>): ReadonlyArray<ResponsePart> => {
  const begun = new Set<string>()
  const ended = new Set<string>()
  return parts.filter((part) => {
    if (part.kind === "tool_start") return !begun.has(part.id) && begun.add(part.id) !== undefined
    if (part.kind === "tool_input") return begun.has(part.id) && !ended.has(part.id)
    if (part.kind === "tool_stop") return begun.has(part.id) && !ended.has(part.id) && ended.add(part.id) !== undefined
    return true
  })
}

const textOf = (parts: ReadonlyArray<ResponsePart>, kind: ResponsePart["kind"]): string =>
  parts.map((part) => (part.kind === kind && "text" in part ? part.text : "")).join("")

const flag = Schema.Boolean

describe("MessageAssembler", () => {
  it.prop(
    "any sequence of parts gives blocks that never overlap",
    [anyParts, flag, flag],
    ([parts, omitThinking, stops]) => {
      const { events, failure } = assemble(parts, { omitThinking, stopSequences: stops ? ["END"] : [] })
      assert.isNull(failure)
      assert.deepStrictEqual(problemsOf(events), [])
    }
  )

  it.prop("text, thinking and every call's input come out as they went in", [anyParts], ([all]) => {
    const parts = sensible(all)
    const { events } = assemble(parts)
    assert.strictEqual(deltas(events, "text_delta"), textOf(parts, "text"))
    assert.strictEqual(deltas(events, "thinking_delta"), textOf(parts, "thinking"))
    const inputs = new Map<string, string>()
    let open = ""
    for (const event of events) {
      if (event.type === "content_block_start")
        open = event.content_block.type === "tool_use" ? event.content_block.id : ""
      if (open !== "") inputs.set(open, inputs.get(open) ?? "")
      if (event.type === "content_block_delta" && event.delta.type === "input_json_delta" && open !== "") {
        inputs.set(open, (inputs.get(open) ?? "") + event.delta.partial_json)
      }
    }
    for (const id of ["t1", "t2", "t3"]) {
      const sent = parts.map((part) => (part.kind === "tool_input" && part.id === id ? part.json : "")).join("")
      assert.strictEqual(
        inputs.get(id),
        parts.some((part) => part.kind === "tool_start" && part.id === id) ? sent : undefined
      )
    }
  })

  it("opens text, thinking and calls one after the other", () => {
    const parts = [
      thinking("hm"),
      signature("sig"),
      text("a"),
      text("b"),
      start("t1"),
      input("t1", "{}"),
      stop("t1"),
      text("c")
    ]
    assert.deepStrictEqual(short(assemble(parts).events), [
      "+thinking",
      "thinking_delta:hm",
      "signature_delta:sig",
      "-",
      "+text",
      "text_delta:a",
      "text_delta:b",
      "-",
      "+tool_use",
      "input_json_delta:{}",
      "-",
      "+text",
      "text_delta:c",
      "-"
    ])
  })

  it("thinking that ends without a signature has none", () => {
    assert.deepStrictEqual(short(assemble([thinking("hm"), text("a"), signature("late")]).events), [
      "+thinking",
      "thinking_delta:hm",
      "-",
      "+text",
      "text_delta:a",
      "-"
    ])
  })

  it("what comes while a call is open waits, block by block in the order they began", () => {
    const parts = [
      start("t1"),
      text("x"),
      start("t2"),
      input("t1", "1"),
      input("t2", "2"),
      text("y"),
      start("t3"),
      stop("t2"),
      input("t3", "3"),
      stop("t1"),
      text("z"),
      stop("t3")
    ]
    assert.deepStrictEqual(short(assemble(parts).events), [
      "+tool_use",
      "input_json_delta:1",
      "-",
      "+text",
      "text_delta:x",
      "-",
      "+tool_use",
      "input_json_delta:2",
      "-",
      "+text",
      "text_delta:y",
      "-",
      "+tool_use",
      "input_json_delta:3",
      "-",
      "+text",
      "text_delta:z",
      "-"
    ])
  })

  it("a held call that has not ended takes its further fragments as they come", () => {
    const assembler = new MessageAssembler(unlimited)
    for (const part of [start("t1"), start("t2"), input("t2", "a"), stop("t1")]) assembler.push(part)
    assert.deepStrictEqual(short(assembler.take()), ["+tool_use", "-", "+tool_use", "input_json_delta:a"])
    assembler.push(input("t2", "b"))
    assert.deepStrictEqual(short(assembler.take()), ["input_json_delta:b"])
  })

  it("fails, rather than lose anything, when too much would be held", () => {
    const big = text("x".repeat(MAX_HELD / 4))
    const { failure } = assemble([start("t1"), big, big, big, big])
    assert.strictEqual(failure?.kind, "stream_broken")
    assert.isNull(assemble([start("t1"), big, big, big]).failure)
    const empty: ReadonlyArray<ResponsePart> = Array.from({ length: 70_000 }, () => ({
      kind: "redacted_thinking",
      data: ""
    }))
    assert.strictEqual(assemble([start("t1"), ...empty]).failure?.kind, "stream_broken")
  })

  it("what was held and released may be held again", () => {
    const big = text("x".repeat(MAX_HELD / 2))
    const { failure, events } = assemble([start("t1"), big, stop("t1"), start("t2"), big, stop("t2")])
    assert.isNull(failure)
    assert.strictEqual(deltas(events, "text_delta").length, MAX_HELD)
  })

  it("of omitted thinking only the signature is shown, and nothing where there is none", () => {
    const omitted = (parts: ReadonlyArray<ResponsePart>) => short(assemble(parts, { omitThinking: true }).events)
    assert.deepStrictEqual(omitted([thinking("a"), thinking("b"), signature("sig"), text("c")]), [
      "+thinking",
      "signature_delta:sig",
      "-",
      "+text",
      "text_delta:c",
      "-"
    ])
    assert.deepStrictEqual(omitted([thinking("a"), text("c"), signature("sig")]), ["+text", "text_delta:c", "-"])
    assert.deepStrictEqual(omitted([{ kind: "redacted_thinking", data: "x" }]), ["+redacted_thinking", "-"])
  })

  it("blocks that come whole are whole in their start, but for an input", () => {
    const { events } = assemble([
      { kind: "server_tool", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      {
        kind: "search_result",
        toolUseId: "srvtoolu_1",
        content: { type: "web_search_tool_result_error", error_code: "unavailable" }
      }
    ])
    assert.deepStrictEqual(events[0], {
      type: "content_block_start",
      index: 0,
      content_block: { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} }
    })
    assert.deepStrictEqual(short(events), [
      "+server_tool_use",
      `input_json_delta:{"query":"q"}`,
      "-",
      "+web_search_tool_result",
      "-"
    ])
  })

  const words = Arbitrary.array(Arbitrary.schema(Schema.Literals(["E", "N", "D", "END", "x", "EN", "ND"])), {
    maxLength: 15
  })
  it.prop("a stop sequence cuts the text before it, wherever the text is cut", [words], ([words]) => {
    const whole = words.join("")
    const at = whole.indexOf("END")
    const { events, done } = assemble([...words.map(text), start("t1")], { stopSequences: ["END", "never"] })
    assert.strictEqual(deltas(events, "text_delta"), at === -1 ? whole : whole.slice(0, at))
    assert.deepStrictEqual(done, at === -1 ? null : { reason: "stop_sequence", sequence: "END" })
    assert.strictEqual(short(events).includes("+tool_use"), at === -1)
    assert.deepStrictEqual(problemsOf(events), [])
  })

  it("holds back only what may still become a stop sequence", () => {
    const assembler = new MessageAssembler({ ...unlimited, stopSequences: ["END"] })
    assembler.push(text("abE"))
    assert.deepStrictEqual(short(assembler.take()), ["+text", "text_delta:ab"])
    assembler.push(text("N"))
    assert.deepStrictEqual(assembler.take(), [])
    assembler.push(text("x"))
    assert.deepStrictEqual(short(assembler.take()), ["text_delta:ENx"])
  })

  it("a stop sequence does not span two blocks, and is not sought in thinking or input", () => {
    const parts = [thinking("END"), text("E"), start("t1"), input("t1", "END"), stop("t1"), text("ND")]
    const { events, done } = assemble(parts, { stopSequences: ["END"] })
    assert.isNull(done)
    assert.strictEqual(deltas(events, "text_delta"), "END")
  })

  it("text that is nothing but a stop sequence leaves no block", () => {
    assert.deepStrictEqual(assemble([text("EN"), text("D")], { stopSequences: ["END"] }).events, [])
  })

  const amount = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
  const long = Arbitrary.array(
    Arbitrary.schema(Schema.Literals(["word ", "漢字漢字", "😀😀", "0123456789".repeat(10)])),
    { maxLength: 40 }
  )
  it.prop(
    "text and thinking are cut on a code point as soon as the limit is passed",
    [amount, long, long],
    ([maxTokens, before, after]) => {
      const { events, done, outputTokens } = assemble([...before.map(thinking), ...after.map(text)], { maxTokens })
      const whole = before.join("") + after.join("")
      const shown = deltas(events, "thinking_delta") + deltas(events, "text_delta")
      assert.isTrue(whole.startsWith(shown) && shown.isWellFormed())
      assert.isAtMost(estimateText(shown), outputLimit(maxTokens))
      assert.strictEqual(estimateText(shown), outputTokens)
      assert.deepStrictEqual(done, estimateText(whole) > outputLimit(maxTokens) ? { reason: "max_tokens" } : null)
      if (done === null) assert.strictEqual(shown, whole)
      else assert.isAbove(estimateText(shown + whole.slice(shown.length, shown.length + 2)) + 1, outputLimit(maxTokens))
      assert.deepStrictEqual(problemsOf(events), [])
    }
  )

  it("an answer within max_tokens is never cut, even where the estimate is a quarter too high", () => {
    // One token each.
    assert.isNull(assemble([text("한".repeat(100))], { maxTokens: 100 }).done)
    const longest = Array.from({ length: 300 }, (_, n) => "한".repeat(n)).findLast((said) => estimateText(said) <= 189)
    assert.isNull(assemble([text(longest ?? "")], { maxTokens: 100 }).done)
    assert.isNotNull(assemble([text(`${longest}한한`)], { maxTokens: 100 }).done)
  })

  it("a call is never cut; behind it the limit holds", () => {
    const json = JSON.stringify({ content: "x".repeat(4_000) })
    const call = [start("t1"), input("t1", json), stop("t1")]
    const { events, done } = assemble([...call, text("more"), start("t2")], { maxTokens: 10 })
    assert.strictEqual(deltas(events, "input_json_delta"), json)
    assert.deepStrictEqual(done, { reason: "max_tokens" })
    assert.deepStrictEqual(
      short(events).filter((event) => event.startsWith("+")),
      ["+tool_use"]
    )
    assert.isNull(assemble(call, { maxTokens: 10 }).done)
    assert.deepStrictEqual(assemble([...call, start("t2")], { maxTokens: 10 }).done, { reason: "max_tokens" })
  })

  it("omitted thinking counts towards the limit like any other", () => {
    const { done, events } = assemble([thinking("x".repeat(4_000)), text("a")], { maxTokens: 10, omitThinking: true })
    assert.deepStrictEqual(done, { reason: "max_tokens" })
    assert.deepStrictEqual(events, [])
  })

  it("gives no event behind its end", () => {
    const assembler = new MessageAssembler({ ...unlimited, stopSequences: ["END"] })
    assembler.push(text("aENDb"))
    assembler.take()
    for (const part of [text("c"), start("t1"), thinking("x")]) assembler.push(part)
    assembler.finish()
    assert.deepStrictEqual(assembler.take(), [])
  })
})
