/** What clients hide of an answer: its bytes, its pieces, where it ends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import { AnthropicSimulator, type Simulator } from "../../../src/simulator/anthropic/AnthropicSimulator.ts"
import type { Rule } from "../../../src/simulator/anthropic/Script.ts"
import { ask, at, saying } from "./Sdk.ts"

const withRule = (rule: Rule) => AnthropicSimulator.make({ script: { rules: [rule] } })
const streamed = (server: Simulator) =>
  Effect.promise(() => ask(server, "/v1/messages", { body: saying("Hi", { stream: true }) }))

/** All bytes of an answer as the socket brought them, in the pieces it brought them in. */
const onSocket = (server: Simulator) =>
  Effect.promise(
    () =>
      new Promise<ReadonlyArray<Buffer>>((resolve) => {
        const body = JSON.stringify(saying("Hi", { stream: true }))
        const pieces: Array<Buffer> = []
        const socket = connect(server.port, "127.0.0.1")
        socket.setNoDelay(true)
        socket.on("data", (piece) => pieces.push(Buffer.from(piece)))
        socket.on("close", () => resolve(pieces))
        socket.write(
          `POST /v1/messages?beta=true HTTP/1.1\r\nhost: x\r\nX-Api-Key: raw\r\nanthropic-version: 2023-06-01\r\n` +
            `X-Twice: 1\r\nX-Twice: 2\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
        )
      })
  )

describe("a stream", () => {
  it.live("has its events in order, each named as its data", () =>
    Effect.gen(function* () {
      const { headers, text } = yield* streamed(
        yield* withRule({ content: [{ type: "text", text: "Hello" }], chunk: 3 })
      )
      assert.match(headers.get("content-type") ?? "", /^text\/event-stream/)
      const events = text
        .split("\n\n")
        .filter((block) => block !== "")
        .map((block) => {
          const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
          const value: unknown = JSON.parse(data ?? "")
          assert.strictEqual(at(value, "type"), name)
          return value
        })
      assert.deepStrictEqual(
        events.map((event) => at(event, "type")),
        [
          "message_start",
          "ping",
          "content_block_start",
          "content_block_delta",
          "content_block_delta",
          "content_block_stop",
          "message_delta",
          "message_stop"
        ]
      )
      assert.strictEqual(at(events[0], "message", "usage", "output_tokens"), 1)
      assert.deepStrictEqual(at(events[0], "message", "content"), [])
      assert.deepStrictEqual(at(events[6], "usage"), {
        input_tokens: at(events[0], "message", "usage", "input_tokens"),
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        output_tokens: 2
      })
    })
  )

  const odd =
    ': comment\r\n\r\nevent:message_start\r\ndata:  {"type": "message_start"}\r\nid: 7\r\nretry: 5\r\n\r\nevent: novel\rdata: ü\r\r'
  for (const manner of [{}, { split: 1 }, { split: 3, pause: 1 }] as const) {
    it.live(`given as text is sent byte by byte as it is, ${JSON.stringify(manner)}`, () =>
      Effect.gen(function* () {
        const server = yield* withRule({ sse: odd, ...manner })
        assert.strictEqual((yield* streamed(server)).text, odd)
        const [seen] = yield* server.requests
        assert.deepInclude(seen, { sentBytes: Buffer.byteLength(odd), ending: "complete" })
        const plain = yield* Effect.promise(() => ask(server, "/v1/messages", { body: saying("Hi") }))
        assert.strictEqual(at(plain.json, "type"), "message")
      })
    )
  }

  it.live("comes in pieces of the size that the script says", () =>
    Effect.gen(function* () {
      const server = yield* withRule({ sse: "x".repeat(40), split: 4, pause: 5 })
      const pieces = yield* onSocket(server)
      assert.isAtLeast(pieces.length, 8)
      const [seen] = yield* server.requests
      assert.strictEqual(seen?.path, "/v1/messages?beta=true")
      assert.deepStrictEqual(
        seen?.rawHeaders.filter(([name]) => name === "X-Twice").map(([, value]) => value),
        ["1", "2"]
      )
      assert.strictEqual(seen?.token, "raw")
    })
  )

  it.live("is cut after the bytes that the script says", () =>
    Effect.gen(function* () {
      const server = yield* withRule({ sse: "x".repeat(1_000), cut: { bytes: 300 } })
      const text = Buffer.concat(yield* onSocket(server)).toString()
      assert.strictEqual(text.split("\r\n\r\n").slice(1).join("").match(/x/g)?.length, 300)
      assert.notMatch(text, /\r\n0\r\n\r\n$/)
      assert.deepInclude((yield* server.requests)[0], { sentBytes: 300, ending: "cut", answer: "x".repeat(300) })
    })
  )
})

describe("a whole answer", () => {
  it.live("is the JSON that the script gives", () =>
    Effect.gen(function* () {
      const server = yield* withRule({ json: { novel: [1] } })
      const { headers, json } = yield* Effect.promise(() => ask(server, "/v1/messages", { body: saying("Hi") }))
      assert.deepStrictEqual(json, { novel: [1] })
      assert.strictEqual(headers.get("content-length"), "13")
    })
  )

  it.live("is compressed where the script and the client both say so", () =>
    Effect.gen(function* () {
      const server = yield* withRule({ gzip: true })
      const post = (encoding: string) =>
        Effect.promise(() =>
          ask(server, "/v1/messages", { body: saying("Hi"), headers: { "accept-encoding": encoding } })
        )
      const packed = yield* post("gzip")
      assert.strictEqual(packed.headers.get("content-encoding"), "gzip")
      assert.strictEqual(at(packed.json, "type"), "message")
      assert.isNull((yield* post("identity")).headers.get("content-encoding"))
    })
  )

  it.live("that is HTML, or JSON of nobody's, is what the failure says", () =>
    Effect.gen(function* () {
      const server = yield* withRule({ fail: "bad_gateway", times: 1 })
      const html = yield* Effect.promise(() => ask(server, "/v1/messages", { body: saying("Hi") }))
      assert.strictEqual(html.headers.get("content-type"), "text/html")
      assert.match(html.text, /^<html>/)
      assert.strictEqual(html.status, 502)
    })
  )
})
