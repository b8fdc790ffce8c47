import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { direct } from "../../../src/message/Egress.ts"
import type { DispatchRequest, Receiver, ResponseHead, Sender } from "../../../src/upstream/Dispatch.ts"
import { forward } from "../../../src/upstream/anthropic/AnthropicForward.ts"
import type { ForwardHead } from "../../../src/upstream/UpstreamProvider.ts"
import { anthropic } from "../../storage/StoreCases.ts"
import { chosen } from "../../support/Credentials.ts"

const options = { baseUrl: new URL("https://api.test/base"), version: "1.2.3" }
const lease = { credential: anthropic("one"), token: Redacted.make("sk-ant-secret"), egress: direct, why: chosen }
const call = {
  method: "POST",
  path: "/v1/files",
  query: "?beta=true",
  headers: {
    "content-type": "multipart/form-data; boundary=x",
    "x-api-key": "a client's",
    cookie: "c",
    "anthropic-beta": "files"
  },
  body: new TextEncoder().encode("--x--"),
  headerTimeoutMs: 10,
  idleTimeoutMs: 10
} as const

/** An upstream that answers so. */
const run = (response: ResponseHead & { readonly body: string }, room = true) => {
  const sent: Array<DispatchRequest> = []
  const heads: Array<ForwardHead> = []
  const data: Array<string> = []
  const demands: Array<ReturnType<Receiver["data"]>> = []
  const push: Sender["push"] = (request, receiver) =>
    Effect.sync(() => {
      sent.push(request)
      const streams = receiver.head(
        response,
        () => {},
        () => {}
      )
      if (streams) demands.push(receiver.data(new TextEncoder().encode(response.body)))
      return { ...response, body: streams ? "" : response.body }
    })
  const sink = {
    head: (head: ForwardHead) => void heads.push(head),
    data: (bytes: Uint8Array) => {
      data.push(new TextDecoder().decode(bytes))
      return room
    }
  }
  const dispatch = { push, collect: () => Effect.die("nothing is collected") }
  return { sent, heads, data, demands, ended: forward({ dispatch, options }, call, lease, sink) }
}

describe("AnthropicForward", () => {
  it.effect("sends what the client sent, under the credential's name and no other", () =>
    Effect.gen(function* () {
      const { ended, sent } = run({ status: 200, headers: {}, body: "{}" })
      yield* ended
      const request = sent[0] ?? assert.fail("nothing was sent")
      assert.strictEqual(request.url.href, "https://api.test/base/v1/files?beta=true")
      assert.strictEqual(request.body, call.body)
      assert.deepStrictEqual(request.headers, {
        "user-agent": "weir/1.2.3",
        "accept-encoding": "identity",
        "anthropic-version": "2023-06-01",
        accept: "application/json",
        "content-type": "multipart/form-data; boundary=x",
        "anthropic-beta": "files",
        via: "1.1 weir",
        authorization: "Bearer sk-ant-secret"
      })
    })
  )

  it.effect("tells what is about the body, and nothing of the account", () =>
    Effect.gen(function* () {
      const about = {
        "content-type": "application/octet-stream",
        "content-length": "5",
        "content-disposition": 'attachment; filename="a"',
        etag: '"e"'
      }
      const others = {
        "request-id": "req_upstream",
        "anthropic-organization-id": "org",
        "anthropic-ratelimit-requests-remaining": "1",
        "set-cookie": "c=1",
        "cf-ray": "r"
      }
      const { data, ended, heads } = run({ status: 200, headers: { ...others, ...about }, body: "bytes" })
      yield* ended
      assert.deepStrictEqual(heads, [{ status: 200, headers: about }])
      assert.deepStrictEqual(data, ["bytes"])
    })
  )

  it.effect("holds the upstream back where there is no room", () =>
    Effect.gen(function* () {
      const { demands, ended } = run({ status: 200, headers: {}, body: "bytes" }, false)
      yield* ended
      assert.deepStrictEqual(demands, ["pause"])
    })
  )

  for (const status of [302, 400, 404, 500]) {
    it.effect(`shows nothing of ${status} and fails, the credential's secret left out`, () =>
      Effect.gen(function* () {
        const body = JSON.stringify({ type: "error", error: { type: "e", message: "no sk-ant-secret" } })
        const { data, ended, heads } = run({ status, headers: {}, body })
        const { reason } = yield* Effect.flip(ended)
        assert.strictEqual(reason.status, status)
        assert.notInclude(JSON.stringify(reason), "sk-ant-secret")
        assert.deepStrictEqual([heads, data], [[], []])
      })
    )
  }
})
