import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { Usage } from "../../../src/message/Usage.ts"
import { AnthropicStream } from "../../../src/upstream/anthropic/AnthropicStream.ts"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const chunksOf = (text: string, size: number): ReadonlyArray<Uint8Array> => {
  const bytes = bytesOf(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.slice(n * size, (n + 1) * size))
}

/** What a client is told whom nothing but the source is told. */
const usage = (input: number, output: number): Usage => ({
  input_tokens: input,
  output_tokens: output,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  weir: { source: "upstream", cacheSource: "upstream" }
})

const added = `"weir":{"source":"upstream","cacheSource":"upstream"}`

const figures = `"input_tokens": 10, "cache_creation_input_tokens":0,"cache_read_input_tokens":0`
const start = `event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","model":"m","usage":{${figures},"output_tokens":1}}}\n\n`
const text = `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hé"}}\n\n`
const deltaOf = (usage: string) =>
  `event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{${usage}}}\n\n`
const stop = `event: message_stop\ndata: {"type":"message_stop"}\n\n`

const run = (chunks: ReadonlyArray<Uint8Array>) => {
  const passed: Array<string> = []
  let begun = 0
  const stream = new AnthropicStream(
    { pass: (bytes) => passed.push(textOf(bytes)) > 0 },
    () => begun++,
    (text) => text
  )
  const demands = chunks.map((chunk) => stream.push(chunk))
  const ended = stream.finish()
  return { stream, passed, begun, demands, ended }
}

/** Everything that a client reads, where it is told these figures. */
const whole = (chunks: ReadonlyArray<Uint8Array>, told: Usage): string => {
  const { ended, passed } = run(chunks)
  return "kind" in ended ? `failed: ${ended.message}` : passed.join("") + textOf(ended.ending(told))
}

const others = Arbitrary.array(
  Arbitrary.schema(
    Schema.Literals([
      text,
      `event: ping\ndata: {"type": "ping"}\n\n`,
      `: a comment\n\n`,
      `event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n`,
      `event: future_event\nid: 7\ndata: {"type":"future_event",\ndata: "x":[1.50,"\\u00e9"]}\n\n`,
      deltaOf(`"output_tokens":3`),
      `data: {"type":"unnamed"}\n\n`
    ])
  ),
  { maxLength: 8 }
)
const tail = Arbitrary.schema(Schema.Literals(["", `event: ping\ndata: {"type":"ping"}\n\n`, ": c\n\n"]))
const size = Arbitrary.schema(Schema.Literals([1, 7, 64, 300, 100_000]))
const crlf = Arbitrary.schema(Schema.Boolean)

describe("AnthropicStream", () => {
  it.prop(
    "passes every byte on in order, and adds nothing but where the figures come from",
    [others, tail, size, crlf],
    ([middle, end, size, crlf]) => {
      const wire = (last: string) => {
        const all = start + middle.join("") + last + end + stop
        return crlf ? all.replaceAll("\n", "\r\n") : all
      }
      const chunks = chunksOf(wire(deltaOf(`"output_tokens": 25,"future":{"x":1}`)), size)
      assert.strictEqual(whole(chunks, usage(10, 25)), wire(deltaOf(`"output_tokens": 25,"future":{"x":1},${added}`)))
      for (const part of run(chunks).passed) assert.notInclude(part, "message_stop")
    }
  )

  it("passes each chunk on at once, in one piece", () => {
    const { begun, demands, passed } = run([bytesOf(start + text), bytesOf(text + text), bytesOf(deltaOf("") + stop)])
    assert.deepStrictEqual(passed, [start + text, text + text])
    assert.deepStrictEqual(demands, ["more", "more", "more"])
    assert.strictEqual(begun, 1)
  })

  it("holds the upstream back where the client has no room", () => {
    const stream = new AnthropicStream(
      { pass: () => false },
      () => {},
      (text) => text
    )
    assert.strictEqual(stream.push(bytesOf(start)), "pause")
    assert.strictEqual(stream.push(bytesOf("event: x")), "more")
  })

  it("writes figures that a policy changes, and leaves the others as they stand", () => {
    const told: Usage = {
      ...usage(4, 25),
      cache_read_input_tokens: 6,
      weir: {
        source: "upstream",
        cacheSource: "upstream",
        measured: {
          input_tokens: 10,
          output_tokens: 25,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0
        }
      }
    }
    const read = whole([bytesOf(start + deltaOf(`"output_tokens": 25`) + stop)], told)
    const [, last] = /data: (\{"type":"message_delta".*)/.exec(read) ?? []
    assert.deepStrictEqual(JSON.parse(last ?? "").usage, {
      output_tokens: 25,
      input_tokens: 4,
      cache_read_input_tokens: 6,
      weir: told.weir
    })
  })

  it("writes the final figures into the beginning for those who read only that", () => {
    const { ended, passed } = run([bytesOf(": hello\n\n" + start + text + deltaOf(`"output_tokens": 25`) + stop)])
    if ("kind" in ended || ended.opening === null) return assert.fail("no beginning")
    const { from, to } = ended.opening
    const held = passed.join("")
    assert.strictEqual(held.slice(from, to), start)
    assert.strictEqual(
      textOf(ended.opening.with(usage(10, 25))),
      start.replace(`"output_tokens":1}`, `"output_tokens":25,${added}}`)
    )
  })

  it("tells who answered, how it ended and what was used by then", () => {
    const { stream } = run([bytesOf(start + text)])
    assert.deepStrictEqual(stream.made, [{ kind: "thread", id: "msg_1" }])
    assert.strictEqual(stream.model, "m")
    assert.strictEqual(stream.raw["input_tokens"], 10)
    const { stream: ended } = run([bytesOf(start + deltaOf(`"output_tokens": 25`) + stop)])
    assert.strictEqual(ended.stopReason, "end_turn")
    assert.strictEqual(ended.raw["output_tokens"], 25)
    assert.strictEqual(ended.raw["input_tokens"], 10)
  })

  it("is not whole without its last event, however it stops", () => {
    for (const cut of [start + text, start + deltaOf(`"output_tokens":1`), start + text + stop.slice(0, -1), ""]) {
      const { ended } = run([bytesOf(cut)])
      assert.strictEqual("kind" in ended ? ended.kind : null, "stream_broken")
    }
  })

  it("ends with an error event, which does not go on, and nothing after it", () => {
    const error = `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`
    const { begun, demands, ended, passed } = run([bytesOf(start + text + error + text), bytesOf(text)])
    assert.deepStrictEqual(passed.slice(0, 1), [start + text])
    assert.strictEqual(demands[0], "stop")
    assert.strictEqual("kind" in ended ? ended.kind : null, "model_capacity")
    assert.strictEqual(begun, 1)
    assert.strictEqual(run([bytesOf(error)]).begun, 0)
  })

  it("gives up what is too long to wait for", () => {
    const { demands } = run([
      bytesOf(start + deltaOf("")),
      bytesOf(stop + `event: ping\ndata: ${"x".repeat(1024 * 1024)}\n\n`)
    ])
    assert.deepStrictEqual(demands, ["more", "stop"])
  })
})
