/** Counting tokens over real sockets, in front of a stand-in of Anthropic's API, with the sandbox beside it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ServerResponse } from "node:http"
import { CredentialId } from "../../src/message/Ids.ts"
import type { Json } from "../../src/config/Jsonc.ts"
import { sandboxCredential } from "../../src/upstream/sandbox/SandboxProvider.ts"
import { anthropic } from "../storage/StoreCases.ts"
import { makeStandIn, sendError, sendJson, type StandInCall, upstreamAt } from "../support/AnthropicStandIn.ts"
import { ask, at } from "../support/Ask.ts"
import { makeRig } from "../support/Rig.ts"

type Answering = (call: StandInCall, response: ServerResponse, n: number) => void

const counts: Answering = (_, response) => {
  response.writeHead(200, { "content-type": "application/json", "anthropic-organization-id": "org" })
  response.end('{"input_tokens": 4711, "future": 1.0}')
}

/** A gateway with two accounts, `a` before `b`, and the sandbox behind them. */
const makeTwo = Effect.fnUntraced(function* (
  answering: Answering = counts,
  config: { readonly [section: string]: Json } = {}
) {
  const upstream = yield* makeStandIn(answering)
  const { upstreams } = upstreamAt(upstream.url)
  const rig = yield* makeRig({
    credentials: [anthropic("a"), anthropic("b", { priority: 1 }), { ...sandboxCredential, priority: 2 }],
    config: { upstreams: [...upstreams, { id: "sandbox", kind: "sandbox" }], ...config }
  })
  const count = (body: unknown, path = "/v1/messages/count_tokens") => ask(rig, path, { body })
  return { rig, count, calls: upstream.calls, asked: () => upstream.calls.map(({ account }) => account) }
})

const body = '{"model" : "claude-sonnet-4-5", "messages":[{"role":"user","content":"Hi"}], "future":1.0}'

describe("TokenCount", () => {
  it.live("is the upstream's own, asked and told byte for byte", () =>
    Effect.gen(function* () {
      const { calls, count } = yield* makeTwo()
      for (const path of ["/v1/messages/count_tokens?beta=true", "/cc/v1/messages/count_tokens?beta=true"]) {
        const answer = yield* count(body, path)
        assert.strictEqual(answer.text, '{"input_tokens": 4711, "future": 1.0}')
        assert.match(answer.headers.get("content-type") ?? "", /^application\/json/)
        assert.strictEqual(answer.headers.get("weir-usage-source"), "upstream")
        assert.strictEqual(answer.headers.get("weir-upstream"), "anthropic")
        assert.isNull(answer.headers.get("anthropic-organization-id"))
      }
      const path = "/v1/messages/count_tokens?beta=true"
      assert.deepStrictEqual(
        calls.map((call) => [call.path, call.body.toString("utf8")]),
        [
          [path, body],
          [path, body]
        ]
      )
    })
  )

  it.live("is of the model that an alias stands for", () =>
    Effect.gen(function* () {
      const config = { models: { aliases: { "my-model": "claude-opus-4-8" } } }
      const { calls, count } = yield* makeTwo(counts, config)
      yield* count(body.replace("claude-sonnet-4-5", "my-model"))
      assert.strictEqual(calls[0]?.body.toString("utf8"), body.replace("claude-sonnet-4-5", "claude-opus-4-8"))
    })
  )

  it.live("refuses what the upstream refuses, in its words", () =>
    Effect.gen(function* () {
      const { asked, count } = yield* makeTwo((_, response) => sendError(response, 400, "invalid_request_error"))
      const answer = yield* count(body)
      assert.strictEqual(answer.status, 400)
      assert.strictEqual(at(answer.json, "error", "message"), "the stand-in says 400")
      assert.deepStrictEqual(asked(), ["a"])
    })
  )

  const troubles: ReadonlyArray<readonly [name: string, answering: Answering]> = [
    ["fails", (_, response) => sendError(response, 500, "api_error")],
    ["is over its limits", (_, response) => sendError(response, 429, "rate_limit_error")],
    ["knows no such thing", (_, response) => sendError(response, 404, "not_found_error")],
    ["refuses the key", (_, response) => sendError(response, 401, "authentication_error")],
    ["says something else", (_, response) => sendJson(response, { tokens: 1 })],
    ["says nothing", () => {}]
  ]
  for (const [name, answering] of troubles) {
    it.live(`is our estimate where the upstream ${name}`, () =>
      Effect.gen(function* () {
        const { asked, count } = yield* makeTwo(answering, { retry: { headerTimeout: "50 millis" } })
        const answer = yield* count(body)
        assert.strictEqual(answer.status, 200)
        assert.isAtLeast(Number(at(answer.json, "input_tokens")), 1)
        assert.strictEqual(answer.headers.get("weir-usage-source"), "estimated")
        assert.isNotEmpty(asked())
      })
    )
  }

  it.live("is our estimate where another kind of upstream comes first for the model", () =>
    Effect.gen(function* () {
      const { asked, count } = yield* makeTwo(counts, { models: { routes: { "claude-*": ["sandbox", "anthropic"] } } })
      const answer = yield* count(body)
      assert.isBelow(Number(at(answer.json, "input_tokens")), 4711)
      assert.deepStrictEqual(asked(), [])
    })
  )

  it.live("is asked of the account that has what the request names", () =>
    Effect.gen(function* () {
      const { asked, count, rig } = yield* makeTwo()
      yield* rig.pins.save([{ kind: "file", id: "file_b" }], CredentialId.make("b"), 0)
      const content = [{ type: "document", source: { type: "file", file_id: "file_b" } }]
      const naming = { model: "claude-sonnet-4-5", messages: [{ role: "user", content }] }
      assert.strictEqual(at((yield* count(naming)).json, "input_tokens"), 4711)
      const lost = { ...naming, thread: { type: "continue", previous_message_id: "msg_unknown" } }
      assert.notStrictEqual(at((yield* count(lost)).json, "input_tokens"), 4711)
      assert.deepStrictEqual(asked(), ["b"])
    })
  )
})
