/** What never reaches a route, on real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import { at, saying } from "../support/Ask.ts"
import { clientKey, makeRig } from "../support/Rig.ts"

/** Writes the bytes and reads until the server closes. */
const exchange = (url: string, bytes: string) =>
  Effect.callback<string>((resume) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes))
    let heard = ""
    socket.setEncoding("utf8").on("data", (text) => {
      heard += text
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(heard)))
    return Effect.sync(() => socket.destroy())
  })

const partsOf = (answer: string) => {
  const [head = "", body = ""] = answer.split("\r\n\r\n")
  const json: unknown = JSON.parse(body)
  return { status: Number(head.split(" ")[1]), head, json }
}

describe("NodeServer", () => {
  it.live("serves a request that offers another protocol as it is, its body included", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: { rules: [{ steps: [{ text: "served" }] }] } })
      const body = JSON.stringify(saying("Hi"))
      const answer = yield* exchange(
        rig.url,
        `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: ${clientKey}\r\ncontent-type: application/json\r\n` +
          "connection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n" +
          `content-length: ${body.length}\r\n\r\n${body}`
      )
      assert.match(answer, /^HTTP\/1\.1 200 /)
      assert.include(answer, "served")
    })
  )

  it.live("refuses what is no HTTP, headers that are too long and expectations it cannot meet in JSON", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const cases = [
        ["no HTTP at all\r\n\r\n", 400],
        [`GET / HTTP/1.1\r\nx-long: ${"x".repeat(40_000)}\r\n\r\n`, 431],
        ["GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: banana\r\nconnection: close\r\n\r\n", 417]
      ] as const
      for (const [bytes, status] of cases) {
        const answer = partsOf(yield* exchange(rig.url, bytes))
        assert.strictEqual(answer.status, status)
        assert.match(answer.head, /content-type: application\/json/i)
        assert.deepStrictEqual(
          [at(answer.json, "type"), at(answer.json, "error", "type")],
          ["error", "invalid_request_error"]
        )
      }
    })
  )

  it.live(
    "refuses a body that breaks off into something else, and answers a whole request whatever comes behind it",
    () =>
      Effect.gen(function* () {
        const rig = yield* makeRig({ script: { rules: [{ steps: [{ text: "served" }] }] } })
        const body = JSON.stringify(saying("Hi"))
        const head = `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: ${clientKey}\r\n`
        const broken = partsOf(yield* exchange(rig.url, `${head}transfer-encoding: chunked\r\n\r\n2\r\n{"\r\nzz\r\n`))
        assert.strictEqual(broken.status, 400)
        assert.strictEqual(at(broken.json, "error", "type"), "invalid_request_error")
        const whole = yield* exchange(rig.url, `${head}content-length: ${body.length}\r\n\r\n${body}GARBAGE\r\n\r\n`)
        assert.match(whole, /^HTTP\/1\.1 200 /)
        assert.include(whole, "served")
      })
  )

  it.live("closes although a connection is open on which nothing was asked", () =>
    Effect.gen(function* () {
      const silent = yield* Effect.scoped(
        Effect.gen(function* () {
          const rig = yield* makeRig({ config: { server: { drain: "60 seconds" } } })
          const connected = Effect.callback<{ readonly closed: Promise<void> }>((resume) => {
            const socket = connect(Number(new URL(rig.url).port), "127.0.0.1")
            const closed = new Promise<void>((done) => socket.on("close", () => done()))
            socket.on("error", () => {}).once("connect", () => resume(Effect.succeed({ closed })))
          })
          return yield* connected
        })
      )
      yield* Effect.promise(() => silent.closed)
    })
  )
})
