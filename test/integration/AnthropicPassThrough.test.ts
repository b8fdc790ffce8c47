/** Anthropic's API through a whole gateway, byte for byte, in front of a server that says what it is told. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { createServer, type Server } from "node:net"
import { inspect } from "node:util"
import type { Json } from "../../src/config/Jsonc.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { ask } from "../support/Ask.ts"
import { type Asked, makeRawUpstream, type RawUpstream, type Reply } from "../support/RawUpstream.ts"
import { adminKey, anthropicKey, makeGateway } from "../support/Rig.ts"
import { bodies, messages, streams, withoutWeir } from "./Corpus.ts"

interface Through {
  readonly gateway: Effect.Success<ReturnType<typeof makeGateway>>
  readonly upstream: RawUpstream
}

const makeThrough = Effect.fnUntraced(function* (
  reply: (asked: Asked, before: number) => Reply,
  config: { readonly [section: string]: Json } = {},
  credentials = [anthropicKey("a")]
) {
  const upstream = yield* makeRawUpstream(reply)
  const upstreams = [{ id: "anthropic", kind: "anthropic", baseUrl: upstream.url }]
  const gateway = yield* makeGateway({ upstreams, ...config }, credentials)
  const through: Through = { gateway, upstream }
  return through
})

const sse = { "content-type": "text/event-stream; charset=utf-8", "request-id": "req_up" }
const json = { "content-type": "application/json", "request-id": "req_up" }

const [body = ""] = bodies
const whole = `{"model":"claude-opus-5-5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
const [stream] = streams
const streamText = stream?.text ?? ""

/** Pieces of so many bytes. */
const piecesOf = (text: string, size: number): ReadonlyArray<Uint8Array> => {
  const bytes = new TextEncoder().encode(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.slice(n * size, (n + 1) * size))
}

const recordOf = (gateway: Through["gateway"], id: string | null) =>
  Effect.map(ask(gateway, `/api/admin/requests/${id}`, { headers: { "x-api-key": adminKey } }), ({ json }) => json)

describe("an answer passes", () => {
  for (const { name, text } of streams) {
    for (const size of [997, 1_000_000]) {
      it.live(`as a stream, byte for byte: ${name}, in pieces of ${size}`, () =>
        Effect.gen(function* () {
          const { gateway } = yield* makeThrough(() => ({ headers: sse, chunks: piecesOf(text, size) }))
          const answer = yield* ask(gateway, "/v1/messages", { body })
          assert.strictEqual(answer.status, 200)
          assert.notStrictEqual(answer.text, text)
          assert.strictEqual(withoutWeir(answer.text), text)
          const held = yield* ask(gateway, "/cc/v1/messages", { body })
          const first = /data: (\{"type":"message_start".*)/.exec(held.text)?.[1] ?? ""
          assert.deepInclude(JSON.parse(first).message.usage, { output_tokens: 503, cache_read_input_tokens: 9000 })
        })
      )
    }
  }

  for (const { name, text } of messages) {
    it.live(`whole, byte for byte: ${name}`, () =>
      Effect.gen(function* () {
        const { gateway } = yield* makeThrough(() => ({ headers: json, chunks: piecesOf(text, 100) }))
        for (const path of ["/v1/messages", "/cc/v1/messages"]) {
          const answer = yield* ask(gateway, path, { body: whole })
          assert.notStrictEqual(answer.text, text)
          assert.strictEqual(withoutWeir(answer.text), text)
          assert.strictEqual(answer.headers.get("weir-usage-source"), "upstream")
        }
      })
    )
  }

  it.live("into the ledger with what the upstream counted, and its name of the call", () =>
    Effect.gen(function* () {
      const { gateway } = yield* makeThrough(() => ({ headers: sse, chunks: [streamText] }))
      const { headers } = yield* ask(gateway, "/v1/messages", { body })
      const record = yield* recordOf(gateway, headers.get("request-id"))
      assert.deepNestedInclude(record, {
        outcome: "ok",
        stopReason: "tool_use",
        "usage.input_tokens": 2095,
        "usage.output_tokens": 503,
        "usage.cache_creation_input_tokens": 250,
        "usage.cache_read_input_tokens": 9000,
        "usage.source": "upstream",
        "attempts[0].upstreamRequestId": "req_up",
        "attempts[0].upstream": "anthropic"
      })
    })
  )

  it.live("with the figures that an operator's policy tells, and the measured ones beside them", () =>
    Effect.gen(function* () {
      const { gateway } = yield* makeThrough(() => ({ headers: sse, chunks: [streamText] }), {
        cache: { reportedReadRatio: 0.9 }
      })
      const marked = `{"model":"claude-opus-5-5","max_tokens":5,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"${"word ".repeat(40_000)}","cache_control":{"type":"ephemeral"}}]}]}`
      const { headers, text } = yield* ask(gateway, "/v1/messages", { body: marked })
      assert.strictEqual(headers.get("weir-usage-policy"), "reported; ratio=0.9")
      const told = JSON.parse(/data: (\{"type":"message_delta".*)/.exec(text)?.[1] ?? "").usage
      assert.strictEqual(told.cache_read_input_tokens, Math.floor(11_345 * 0.9))
      assert.strictEqual(told.input_tokens + told.cache_read_input_tokens + told.cache_creation_input_tokens, 11_345)
      assert.deepInclude(told.weir.measured, { input_tokens: 2095, cache_read_input_tokens: 9000 })
      assert.deepStrictEqual(told.iterations, [{ n: 1 }])
    })
  )

  it.live("never as whole where it breaks off, and what was known is recorded", () =>
    Effect.gen(function* () {
      const half = streamText.slice(0, streamText.indexOf("event: content_block_delta"))
      for (const breaks of [true, false]) {
        const { gateway } = yield* makeThrough(() => ({ headers: sse, chunks: [half], breaks }))
        const { headers, text } = yield* ask(gateway, "/v1/messages", { body })
        assert.isTrue(text.startsWith(half))
        assert.include(text.slice(half.length), `event: error`)
        assert.notInclude(text, "message_stop")
        const record = yield* recordOf(gateway, headers.get("request-id"))
        assert.deepNestedInclude(record, {
          outcome: "failed",
          "usage.input_tokens": 2095,
          "usage.output_tokens": 3,
          "usage.cache_read_input_tokens": 9000,
          "usage.source": "upstream"
        })
      }
    })
  )
})

describe("a request passes", () => {
  for (const [at, body] of bodies.entries()) {
    it.live(`byte for byte, with the client's own headers and none of its keys (${at})`, () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* makeThrough(() => ({ headers: sse, chunks: [streamText] }))
        yield* ask(gateway, "/v1/messages?beta=true&x=%20", {
          body,
          headers: {
            authorization: "Bearer a-client's-other-key",
            "anthropic-version": "2023-06-01",
            "anthropic-beta": "a-2026-01-01,unknown-2099-01-01",
            "x-app": "cli"
          }
        })
        const [asked] = upstream.asked
        assert.strictEqual(asked?.path, "/v1/messages?beta=true&x=%20")
        assert.strictEqual(asked?.body, body)
        assert.deepInclude(asked?.headers, {
          "x-api-key": "sk-ant-a",
          "anthropic-version": "2023-06-01",
          "anthropic-beta": "a-2026-01-01,unknown-2099-01-01",
          "x-app": "cli",
          via: "1.1 weir"
        })
        assert.isUndefined(asked?.headers.authorization)
        assert.strictEqual(asked?.headers["accept-encoding"], "identity")
      })
    )
  }

  it.live("as a bearer token where the credential is one", () =>
    Effect.gen(function* () {
      const { gateway, upstream } = yield* makeThrough(
        () => ({ headers: json, chunks: [messages[0]?.text ?? ""] }),
        {},
        [anthropicKey("a", { scheme: "bearer" })]
      )
      yield* ask(gateway, "/v1/messages", { body: whole })
      assert.strictEqual(upstream.asked[0]?.headers.authorization, "Bearer sk-ant-a")
      assert.isUndefined(upstream.asked[0]?.headers["x-api-key"])
    })
  )

  it.live("with another model where an alias names one, and with the operator's words before the client's", () =>
    Effect.gen(function* () {
      const { gateway, upstream } = yield* makeThrough(() => ({ headers: json, chunks: [messages[0]?.text ?? ""] }), {
        models: { aliases: { mine: "claude-opus-4.5" } },
        systemPrompt: { prepend: "Be brief.", append: null }
      })
      yield* ask(gateway, "/v1/messages", {
        body: `{"x":1.0,"model":"mine","system":"S","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
      })
      assert.strictEqual(
        upstream.asked[0]?.body,
        `{"x":1.0,"model":"claude-opus-4-5","system":[{"type":"text","text":"Be brief."},{"type":"text","text":"S"}],"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
      )
    })
  )
})

describe("an error", () => {
  const bodyOf = (type: string, message: string, more = "") =>
    `{"type":"error","error":{"type":"${type}","message":"${message}"${more}},"request_id":"req_up"}`

  it.live("that is the client's keeps its type, its message and its details, under our request-id", () =>
    Effect.gen(function* () {
      const refusal = bodyOf(
        "invalid_request_error",
        "thinking: odd",
        `,"details":{"error_code":"x","unsupported":["a"]}`
      )
      const { gateway, upstream } = yield* makeThrough(() => ({ status: 400, headers: json, chunks: [refusal] }))
      const answer = yield* ask(gateway, "/v1/messages", { body })
      assert.strictEqual(answer.status, 400)
      assert.deepStrictEqual(answer.json, { ...JSON.parse(refusal), request_id: answer.headers.get("request-id") })
      assert.lengthOf(upstream.asked, 1)
    })
  )

  it.live("of the upstream is made JSON where it is none, and leads to another credential first", () =>
    Effect.gen(function* () {
      const { gateway, upstream } = yield* makeThrough(
        () => ({ status: 502, headers: { "content-type": "text/html" }, chunks: ["<html>bad</html>"] }),
        {},
        [anthropicKey("a"), anthropicKey("b")]
      )
      const answer = yield* ask(gateway, "/v1/messages", { body })
      assert.strictEqual(answer.status, 502)
      assert.deepNestedInclude(answer.json, { type: "error", "error.type": "api_error" })
      assert.isAbove(new Set(upstream.asked.map(({ headers }) => headers["x-api-key"])).size, 1)
    })
  )

  it.live("about a key switches it off with its reason, and the client does not notice while another can serve", () =>
    Effect.gen(function* () {
      const { gateway } = yield* makeThrough(
        ({ headers }) =>
          headers["x-api-key"] === "sk-ant-a"
            ? { status: 401, headers: json, chunks: [bodyOf("authentication_error", "invalid x-api-key")] }
            : { headers: sse, chunks: [streamText] },
        {},
        [anthropicKey("a"), anthropicKey("b", { priority: 1 })]
      )
      const answer = yield* ask(gateway, "/v1/messages", { body })
      assert.strictEqual(answer.status, 200)
      const { credentials } = yield* gateway.pool.snapshot
      assert.strictEqual(credentials[0]?.health.disabled?.reason, "invalid_config")
      assert.isNull(credentials[1]?.health.disabled)
    })
  )

  it.live(
    "about a limit rests the credential for as long as it says, and tells the client nothing of the account",
    () =>
      Effect.gen(function* () {
        const { gateway } = yield* makeThrough(() => ({
          status: 429,
          headers: {
            ...json,
            "retry-after": "41",
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-organization-id": "org"
          },
          chunks: [bodyOf("rate_limit_error", "This would exceed your organization's (org-1) limit")]
        }))
        const { headers, status, text } = yield* ask(gateway, "/v1/messages", { body })
        assert.strictEqual(status, 429)
        assert.include(["40", "41"], headers.get("retry-after"))
        assert.notInclude(text, "org-1")
        assert.deepStrictEqual(
          [...headers.keys()].filter((name) => name.startsWith("anthropic-")),
          []
        )
      })
  )

  it.live("of a full model is the model's: the credential stays as it is", () =>
    Effect.gen(function* () {
      const { gateway } = yield* makeThrough(() => ({
        status: 529,
        headers: json,
        chunks: [bodyOf("overloaded_error", "Overloaded")]
      }))
      const answer = yield* ask(gateway, "/v1/messages", { body })
      assert.strictEqual(answer.status, 529)
      assert.deepNestedInclude(answer.json, { "error.type": "overloaded_error", "error.message": "Overloaded" })
      const [credential] = (yield* gateway.pool.snapshot).credentials
      assert.isNull(credential?.health.cooldown)
    })
  )

  it.live("in the middle of a stream ends it in the upstream's words", () =>
    Effect.gen(function* () {
      const begun = streamText.slice(0, streamText.indexOf("event: content_block_stop"))
      const error = `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`
      const { gateway } = yield* makeThrough(() => ({ headers: sse, chunks: [begun + error] }))
      const { headers, text } = yield* ask(gateway, "/v1/messages", { body })
      assert.isTrue(text.startsWith(begun))
      assert.deepStrictEqual(JSON.parse(/event: error\ndata: (.*)/.exec(text)?.[1] ?? ""), {
        type: "error",
        error: { type: "overloaded_error", message: "Overloaded" },
        request_id: headers.get("request-id")
      })
    })
  )
})

describe("a signature that is refused", () => {
  const refused = `{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid \`signature\` in \`thinking\` block"}}`
  const thought = `{"type":"thinking","thinking":"hm","signature":"foreign"}`
  const said = `{"type":"text","text":"so"}`
  const bodyOf = (messages: string) =>
    `{"model":"claude-opus-5-5","stream":true,"max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[${messages}]}`
  const reply = ({ body }: Asked): Reply =>
    body.includes("foreign")
      ? { status: 400, headers: json, chunks: [refused] }
      : { headers: sse, chunks: [streamText] }

  it.live("goes again once without the thinking of turns that are over", () =>
    Effect.gen(function* () {
      const { gateway, upstream } = yield* makeThrough(reply)
      const answer = yield* ask(gateway, "/v1/messages", {
        body: bodyOf(
          `{"role":"user","content":"a"},{"role":"assistant","content":[${thought},${said}]},{"role":"user","content":"b"}`
        )
      })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(
        upstream.asked[1]?.body,
        bodyOf(`{"role":"user","content":"a"},{"role":"assistant","content":[${said}]},{"role":"user","content":"b"}`)
      )
    })
  )

  it.live("is told as it is where the thinking may not be left out", () =>
    Effect.gen(function* () {
      const { gateway, upstream } = yield* makeThrough(reply)
      const call = `{"type":"tool_use","id":"toolu_1","name":"t","input":{}}`
      const result = `{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}`
      const answer = yield* ask(gateway, "/v1/messages", {
        body: bodyOf(
          `{"role":"user","content":"a"},{"role":"assistant","content":[${thought},${call}]},{"role":"user","content":[${result}]}`
        )
      })
      assert.strictEqual(answer.status, 400)
      assert.include(answer.text, "Invalid `signature` in `thinking` block")
      assert.lengthOf(upstream.asked, 1)
    })
  )
})

describe("whatever its upstream says", () => {
  it.live("a client and the ledger are told no credential, also not by an error in a stream", () =>
    Effect.gen(function* () {
      const leak = (key: string) =>
        `event: error\ndata: {"type":"error","error":{"type":"api_error","message":"failed for ${key}","details":{"k":"${key}"}}}\n\n`
      const begun = streamText.slice(0, streamText.indexOf("event: content_block_stop"))
      for (const before of ["", begun]) {
        const { gateway } = yield* makeThrough(({ headers }) => ({
          headers: sse,
          chunks: [before + leak(String(headers["x-api-key"]))]
        }))
        const answer = yield* ask(gateway, "/v1/messages", { body })
        assert.include(answer.text, "failed for <redacted>")
        const record = yield* recordOf(gateway, answer.headers.get("request-id"))
        assert.notInclude(answer.text + JSON.stringify(record), "sk-ant-a")
      }
    })
  )

  for (const [what, ending] of [
    ["reset", { breaks: true }],
    ["left open", { stays: true }]
  ] as const) {
    it.live(`a whole answer is one though its connection is ${what}`, () =>
      Effect.gen(function* () {
        const { gateway } = yield* makeThrough(() => ({ headers: sse, chunks: [streamText], ...ending }))
        const answer = yield* ask(gateway, "/v1/messages", { body })
        assert.strictEqual(withoutWeir(answer.text), streamText)
      })
    )
  }

  it.live("an error that came as a 200 is one, and another account is asked", () =>
    Effect.gen(function* () {
      const overloaded = `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`
      for (const asked of [body, whole]) {
        const { gateway } = yield* makeThrough(
          ({ headers }) =>
            headers["x-api-key"] === "sk-ant-a"
              ? { headers: json, chunks: [overloaded] }
              : {
                  headers: asked === body ? sse : json,
                  chunks: [asked === body ? streamText : (messages[0]?.text ?? "")]
                },
          {},
          [anthropicKey("a"), anthropicKey("b", { priority: 1 })]
        )
        assert.strictEqual((yield* ask(gateway, "/v1/messages", { body: asked })).status, 200)
      }
    })
  )

  it.live("its output is estimated where nobody has counted it", () =>
    Effect.gen(function* () {
      const text = `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"${"word ".repeat(400)}"}],"stop_reason":"end_turn","usage":{"input_tokens":7}}`
      const { gateway } = yield* makeThrough(() => ({ headers: json, chunks: [text] }))
      const { usage } = JSON.parse((yield* ask(gateway, "/v1/messages", { body: whole })).text)
      assert.isAbove(usage.output_tokens, 300)
      assert.strictEqual(usage.weir.source, "estimated")
    })
  )

  it.live("a permission that one account lacks switches none off", () =>
    Effect.gen(function* () {
      const refusal = `{"type":"error","error":{"type":"permission_error","message":"not for you"}}`
      const { gateway, upstream } = yield* makeThrough(() => ({ status: 403, headers: json, chunks: [refusal] }), {}, [
        anthropicKey("a"),
        anthropicKey("b")
      ])
      for (let turn = 0; turn < 4; turn++) {
        assert.strictEqual((yield* ask(gateway, "/v1/messages", { body })).status, 502)
      }
      assert.lengthOf(upstream.asked, 8)
      for (const { health } of (yield* gateway.pool.snapshot).credentials) assert.isNull(health.disabled)
    })
  )
})

describe("an upstream that does not speak HTTP", () => {
  const garbage = (before: string) =>
    Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer((socket) => {
          socket.on("error", () => {}).once("data", () => socket.end(`${before}SECRET-ANSWER\r\n\r\n`))
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close())
    )
  const addressOf = (server: Server): string => {
    const address = server.address()
    return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : assert.fail()
  }
  const chunked = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n`

  for (const [what, before] of [
    ["at all", ""],
    ["in its body", `${chunked}XX\r\n`]
  ] as const) {
    it.live(`${what} is passed over for one that does, and not quoted in the log`, () =>
      Effect.gen(function* () {
        const logged: Array<unknown> = []
        const broken = yield* garbage(before)
        const upstream = yield* makeRawUpstream(() => ({ headers: sse, chunks: [streamText] }))
        const upstreams = [
          { id: "broken", kind: "anthropic", baseUrl: addressOf(broken) },
          { id: "anthropic", kind: "anthropic", baseUrl: upstream.url }
        ]
        const gateway = yield* makeGateway({ upstreams }, [
          anthropicKey("a", { upstream: UpstreamId.make("broken") }),
          anthropicKey("b")
        ]).pipe(Effect.provide(Logger.layer([Logger.make(({ cause, message }) => void logged.push(message, cause))])))
        const answer = yield* ask(gateway, "/v1/messages", { body })
        assert.strictEqual(answer.status, 200, answer.text)
        assert.strictEqual(answer.headers.get("weir-upstream"), "anthropic")
        assert.notInclude(inspect(logged, { depth: 9 }), "SECRET-ANSWER")
      })
    )
  }
})
