import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { join, leadingName, MAX_FRAME, readEvent, SseFrames, withData } from "../../src/codec/SseFrames.ts"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const framesIn = (chunks: ReadonlyArray<Uint8Array>) => {
  const frames = new SseFrames()
  const found: Array<string> = []
  for (const chunk of chunks) {
    const framed = frames.push(chunk)
    let from = 0
    for (const end of framed?.ends ?? []) {
      found.push(textOf(framed?.bytes.subarray(from, end) ?? new Uint8Array()))
      from = end
    }
  }
  return found
}

const data = Arbitrary.map(Arbitrary.schema(Schema.String), (text) =>
  text.replaceAll(/[\r\n\uFFFD]|\p{Surrogate}/gu, "")
)
const ending = Arbitrary.schema(Schema.Literals(["\n", "\r\n"]))
const event = Arbitrary.array(data, { minLength: 1, maxLength: 3 })
const events = Arbitrary.array(event, { maxLength: 6 })
const size = Arbitrary.schema(Schema.Literals([1, 2, 3, 5, 9, 100]))

const written = (all: ReadonlyArray<ReadonlyArray<string>>, end: string): ReadonlyArray<string> =>
  all.map((lines) => `event: e${end}${lines.map((line) => `data: ${line}é${end}`).join("")}${end}`)

describe("SseFrames", () => {
  it.prop(
    "cuts where events end, however the bytes come",
    [events, ending, size, data],
    ([events, end, size, more]) => {
      const rest = `data: ${more}`
      const all = written(events, end)
      const bytes = bytesOf(all.join("") + rest)
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.slice(index * size, (index + 1) * size)
      )
      assert.deepStrictEqual(framesIn(chunks), all)
      // What was not whole is not lost: it ends with what comes next.
      assert.deepStrictEqual(framesIn([...chunks, bytesOf(`${end}${end}`)]), [...all, `${rest}${end}${end}`])
    }
  )

  it("gives up an event that does not end", () => {
    const frames = new SseFrames()
    const chunk = new Uint8Array(MAX_FRAME / 4)
    for (let n = 0; n < 4; n++) assert.isNotNull(frames.push(chunk))
    assert.isNull(frames.push(chunk))
  })

  it("takes a long event of many lines in time that grows with its length", () => {
    const frames = new SseFrames()
    const chunk = bytesOf(`: ${"x".repeat(198)}\n`.repeat(80))
    const began = performance.now()
    for (let length = 0; length < MAX_FRAME / 2; length += chunk.length) assert.isNotNull(frames.push(chunk))
    assert.lengthOf(frames.push(bytesOf("\n"))?.ends ?? [], 1)
    // Copied with each chunk it takes seconds.
    assert.isBelow(performance.now() - began, 500)
  })

  it("tells an event's name where it leads", () => {
    const name = (text: string) => leadingName(bytesOf(text), 0, text.length)
    assert.strictEqual(name("event: message_delta\r\ndata: {}\r\n\r\n"), "message_delta")
    assert.strictEqual(name("event:ping\n\n"), "ping")
    assert.isNull(name(": comment\nevent: ping\n\n"))
    assert.isNull(name("data: {}\n\n"))
  })

  it("reads an event with comments, an id and several lines of data", () => {
    const frame = bytesOf(`: c\nid: 7\nevent: x\ndata: {"a":\ndatax: no\ndata:1}\n\n`)
    assert.deepStrictEqual(readEvent(frame), { name: "x", data: `{"a":\n1}` })
    assert.deepStrictEqual(readEvent(bytesOf("\n")), { name: null, data: null })
  })

  it("changes the data and nothing else", () => {
    const change = (text: string, to: string) => textOf(withData(bytesOf(text), to))
    assert.strictEqual(
      change("event: x\r\ndata: {}\r\nid: 1\r\n\r\n", `{"a":1}`),
      `event: x\r\ndata: {"a":1}\r\nid: 1\r\n\r\n`
    )
    assert.strictEqual(change(": c\nevent: x\ndata:{\ndata:}\n\n", "{\n}"), ": c\nevent: x\ndata:{\ndata:}\n\n")
  })

  it.prop("puts back what it read", [data], ([text]) => {
    const frame = bytesOf(`event: x\ndata: ${text}\n\n`)
    assert.deepStrictEqual(withData(frame, readEvent(frame).data ?? ""), frame)
  })

  it("joins", () => {
    assert.strictEqual(textOf(join([bytesOf("a"), bytesOf(""), bytesOf("bc")])), "abc")
    assert.strictEqual(join([]).length, 0)
  })
})
