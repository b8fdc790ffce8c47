import { assert, describe, it } from "@effect/vitest"
import { EventStreamCodec, Int64, type MessageHeaders } from "@smithy/eventstream-codec"
import { Arbitrary, Schema } from "effect"
import { encodeFrame, FrameDecoder, type FramingError, MAX_FRAME_BYTES } from "../../src/codec/EventStreamFraming.ts"
import { crc32Short } from "../../src/codec/Crc32.ts"

const hex = (text: string): Uint8Array => Buffer.from(text, "hex")

const TEXT_EVENT =
  "0000007f0000005c7c7db5a80b3a6576656e742d74797065070016617373697374616e74526573706f6e73654576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74223a2248656c6c6f227d9b5d0635"
const CONTEXT_EVENT =
  "0000008600000057ae8b5e0c0b3a6576656e742d74797065070011636f6e7465787455736167654576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74657874557361676550657263656e74616765223a31322e357d775490df"
const EXCEPTION =
  "000000920000006c8ae0866a0f3a657863657074696f6e2d7479706507001e436f6e74656e744c656e6774684578636565646564457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22746f6f206c6f6e67227d379acc2f"

const event = (type: string) =>
  [
    [":event-type", type],
    [":content-type", "application/json"],
    [":message-type", "event"]
  ] as const

interface Read {
  readonly headers: Record<string, string>
  readonly payload: string
  readonly text: string
}

/** All that a decoder makes of the bytes, fed in pieces of the given sizes and then the rest. */
const read = (bytes: Uint8Array, sizes: ReadonlyArray<number> = []) => {
  const decoder = new FrameDecoder()
  const frames: Array<Read> = []
  let error: FramingError | null = null
  let at = 0
  const feed = (end: number) => {
    // A copy, wiped after use: a frame must not depend on its chunk once the callback has returned.
    const chunk = Uint8Array.from(bytes.subarray(at, end))
    error = decoder.push(chunk, (frame) => {
      const payload = Buffer.from(frame.payload).toString("hex")
      frames.push({ headers: Object.fromEntries(frame.headers), payload, text: frame.text() })
    })
    chunk.fill(0)
    at = end
  }
  for (const size of sizes) if (at < bytes.length) feed(Math.min(bytes.length, at + size))
  if (at < bytes.length) feed(bytes.length)
  return { frames, error, end: decoder.finish() }
}

const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const bytes = Arbitrary.map(Arbitrary.array(Arbitrary.schema(byte), { maxLength: 300 }), (all) => Uint8Array.from(all))
const wellFormed = Schema.String.check(Schema.isMaxLength(40)).check(Schema.makeFilter((text) => text.isWellFormed()))
// The other implementation keeps headers in a plain object, where this one name cannot be a key.
const headerName = wellFormed.check(
  Schema.isMinLength(1),
  Schema.makeFilter((name) => name !== "__proto__")
)
const header = Arbitrary.schema(Schema.Tuple([headerName, wellFormed]))
const frame = Arbitrary.all({ headers: Arbitrary.array(header, { maxLength: 5 }), payload: bytes })
const frames = Arbitrary.array(frame, { maxLength: 5 })
const sizes = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))), {
  maxLength: 60
})

const expected = (frame: {
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly payload: Uint8Array
}): Read => ({
  headers: Object.fromEntries(frame.headers),
  payload: Buffer.from(frame.payload).toString("hex"),
  text: Buffer.from(frame.payload).toString("utf8")
})

const smithy = new EventStreamCodec(
  (input) => Buffer.from(input).toString("utf8"),
  (input) => Uint8Array.from(Buffer.from(input, "utf8"))
)

describe("EventStreamFraming", () => {
  it("encodes the published frames byte for byte", () => {
    assert.strictEqual(
      Buffer.from(encodeFrame(event("assistantResponseEvent"), `{"content":"Hello"}`)).toString("hex"),
      TEXT_EVENT
    )
    assert.strictEqual(
      Buffer.from(encodeFrame(event("contextUsageEvent"), `{"contextUsagePercentage":12.5}`)).toString("hex"),
      CONTEXT_EVENT
    )
    const exception = [
      [":exception-type", "ContentLengthExceededException"],
      [":content-type", "application/json"],
      [":message-type", "exception"]
    ] as const
    assert.strictEqual(Buffer.from(encodeFrame(exception, `{"message":"too long"}`)).toString("hex"), EXCEPTION)
  })

  it("decodes the published frames, all three in one chunk", () => {
    const { frames, error, end } = read(hex(TEXT_EVENT + CONTEXT_EVENT + EXCEPTION))
    assert.isNull(error)
    assert.strictEqual(end, "complete")
    assert.deepStrictEqual(
      frames.map((frame) => frame.text),
      [`{"content":"Hello"}`, `{"contextUsagePercentage":12.5}`, `{"message":"too long"}`]
    )
    assert.deepStrictEqual(frames[2]?.headers, {
      ":exception-type": "ContentLengthExceededException",
      ":content-type": "application/json",
      ":message-type": "exception"
    })
  })

  it("gives back what was encoded, at every single cut of two frames", () => {
    const all = hex(TEXT_EVENT + CONTEXT_EVENT)
    const whole = read(all)
    for (let cut = 0; cut <= all.length; cut++) assert.deepStrictEqual(read(all, [cut]), whole)
  })

  it.prop("any split of the bytes gives the same frames", [frames, sizes], ([frames, sizes]) => {
    const all = Buffer.concat(frames.map((frame) => encodeFrame(frame.headers, frame.payload)))
    const result = read(all, sizes)
    assert.deepStrictEqual(result, { frames: frames.map(expected), error: null, end: "complete" })
  })

  it.prop("what it encodes another implementation decodes", [frame], ([frame]) => {
    const decoded = smithy.decode(encodeFrame(frame.headers, frame.payload))
    const headers = Object.entries(decoded.headers).map(([name, header]) => [name, header.value])
    assert.deepStrictEqual(Object.fromEntries(headers), Object.fromEntries(frame.headers))
    assert.deepStrictEqual(Uint8Array.from(decoded.body), frame.payload)
  })

  it.prop("what another implementation encodes it decodes", [frame], ([frame]) => {
    const headers: MessageHeaders = {}
    for (const [name, value] of frame.headers) headers[name] = { type: "string", value }
    assert.deepStrictEqual(read(smithy.encode({ headers, body: frame.payload })).frames, [expected(frame)])
  })

  it("skips headers of the nine other types and keeps the strings around them", () => {
    const headers: MessageHeaders = {
      first: { type: "string", value: "1" },
      yes: { type: "boolean", value: true },
      no: { type: "boolean", value: false },
      int8: { type: "byte", value: -1 },
      int16: { type: "short", value: 300 },
      int32: { type: "integer", value: 70000 },
      int64: { type: "long", value: Int64.fromNumber(7e9) },
      bytes: { type: "binary", value: Uint8Array.of(7, 0, 1) },
      time: { type: "timestamp", value: new Date(0) },
      uuid: { type: "uuid", value: "0b4445e1-f5be-49e1-87ce-62bbc28ad705" },
      last: { type: "string", value: "2" }
    }
    const { frames, error } = read(smithy.encode({ headers, body: Uint8Array.of(1) }))
    assert.isNull(error)
    assert.deepStrictEqual(frames[0]?.headers, { first: "1", last: "2" })
  })

  it("any single corrupted byte is an error or leaves the stream unfinished, and yields no frame", () => {
    const original = hex(TEXT_EVENT)
    for (let at = 0; at < original.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const bytes = Uint8Array.from(original)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        const { frames, error, end } = read(bytes)
        assert.deepStrictEqual([frames, end], [[], "truncated"])
        assert.strictEqual(error, at < 12 ? "prelude_checksum" : "frame_checksum")
      }
    }
  })

  it("stays silent after an error: frames behind a corrupt one are not given", () => {
    const broken = hex(TEXT_EVENT)
    broken[110] = 0
    const decoder = new FrameDecoder()
    let seen = 0
    assert.strictEqual(
      decoder.push(Buffer.concat([hex(CONTEXT_EVENT), broken, hex(CONTEXT_EVENT)]), () => seen++),
      "frame_checksum"
    )
    assert.strictEqual(
      decoder.push(hex(CONTEXT_EVENT), () => seen++),
      "frame_checksum"
    )
    assert.strictEqual(seen, 1)
    assert.strictEqual(decoder.finish(), "truncated")
  })

  it("an end inside a frame, even inside its prelude, is a truncation", () => {
    const one = hex(TEXT_EVENT)
    for (const kept of [1, 11, 12, 13, one.length - 1]) {
      assert.strictEqual(read(one.subarray(0, kept)).end, "truncated")
      assert.strictEqual(read(one.subarray(0, kept), [1, 1, 9]).end, "truncated")
    }
    assert.strictEqual(read(new Uint8Array(0)).end, "complete")
  })

  it("refuses impossible lengths as soon as the prelude is there", () => {
    const prelude = (length: number, headers: number) => {
      const bytes = Buffer.alloc(12)
      bytes.writeUInt32BE(length, 0)
      bytes.writeUInt32BE(headers, 4)
      bytes.writeUInt32BE(crc32Short(bytes, 0, 8), 8)
      return bytes
    }
    for (const [length, headers] of [
      [0, 0],
      [15, 0],
      [16, 1],
      [MAX_FRAME_BYTES + 1, 0],
      [2 ** 32 - 1, 0],
      [2 ** 24, 2 ** 17 + 1],
      [100, 2 ** 32 - 1]
    ] as const) {
      assert.strictEqual(read(prelude(length, headers)).error, "frame_length")
      assert.strictEqual(read(prelude(length, headers), [5]).error, "frame_length")
    }
    assert.isNull(read(prelude(MAX_FRAME_BYTES, 0)).error)
  })

  it("refuses header blocks that do not parse", () => {
    const withHeaders = (block: ReadonlyArray<number>) => {
      const bytes = Buffer.alloc(16 + block.length)
      bytes.writeUInt32BE(bytes.length, 0)
      bytes.writeUInt32BE(block.length, 4)
      bytes.writeUInt32BE(crc32Short(bytes, 0, 8), 8)
      bytes.set(block, 12)
      bytes.writeUInt32BE(crc32Short(bytes, 0, bytes.length - 4), bytes.length - 4)
      return read(bytes)
    }
    const a = 97
    assert.isNull(withHeaders([1, a, 0]).error)
    const broken = {
      "no name": [0, 0],
      "name only": [1, a],
      "name too long": [5, a, 0],
      "unknown type": [1, a, 10],
      "value cut": [1, a, 4, 0, 0, 0],
      "length cut": [1, a, 7, 0],
      "string cut": [1, a, 7, 0, 2, a]
    }
    for (const [what, block] of Object.entries(broken))
      assert.strictEqual(withHeaders(block).error, "frame_headers", what)
  })

  it("carries a frame of the longest size in small chunks, and refuses to write a longer one", () => {
    const payload = new Uint8Array(MAX_FRAME_BYTES - 16).fill(0x61)
    const bytes = encodeFrame([], payload)
    const decoder = new FrameDecoder()
    let length = 0
    for (let at = 0; at < bytes.length; at += 65_000) {
      assert.isNull(decoder.push(bytes.subarray(at, at + 65_000), (frame) => (length = frame.payload.length)))
    }
    assert.strictEqual(length, payload.length)
    assert.strictEqual(decoder.finish(), "complete")
    assert.throws(() => encodeFrame([["a", ""]], payload), RangeError)
    assert.throws(() => encodeFrame([["", "x"]], ""), RangeError)
    assert.throws(() => encodeFrame([["a".repeat(256), "x"]], ""), RangeError)
    assert.throws(() => encodeFrame([["a", "x".repeat(65_536)]], ""), RangeError)
  })
})
