import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { addressOf, bodyOf, passedOn } from "../../../src/upstream/anthropic/AnthropicHttp.ts"
import { requestOf } from "../../support/KiroConversion.ts"

const options = (baseUrl: string) => ({ baseUrl: new URL(baseUrl), version: "1.2.3" })

describe("AnthropicHttp", () => {
  it("finds paths below the address, also where that has a path of its own", () => {
    const at = (baseUrl: string) => addressOf(options(baseUrl), "/v1/messages", "?beta=true").href
    assert.strictEqual(at("https://api.anthropic.com"), "https://api.anthropic.com/v1/messages?beta=true")
    assert.strictEqual(at("http://127.0.0.1:1/proxy/"), "http://127.0.0.1:1/proxy/v1/messages?beta=true")
  })

  it("passes on what is the client's word, and nothing of this connection, this gateway or its packing", () => {
    const passed = passedOn({
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "a-2026,unknown-2099",
      "user-agent": "claude-cli/2.1.330 (external, cli)",
      "x-app": "cli",
      "x-hop": "secret",
      connection: "keep-alive, X-Hop",
      "keep-alive": "timeout=5",
      "transfer-encoding": "chunked",
      "content-length": "7",
      host: "127.0.0.1:8990",
      "x-api-key": "a client's key",
      authorization: "Bearer a client's key",
      "proxy-authorization": "Basic x",
      cookie: "c=1",
      "x-forwarded-for": "10.0.0.1",
      "accept-encoding": "gzip",
      te: "trailers",
      upgrade: "h2c",
      "content-type": "application/json"
    })
    assert.deepStrictEqual(passed, {
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "a-2026,unknown-2099",
      "user-agent": "claude-cli/2.1.330 (external, cli)",
      "x-app": "cli",
      "content-type": "application/json",
      via: "1.1 weir"
    })
    assert.strictEqual(passedOn({ via: "1.0 front" })["via"], "1.0 front, 1.1 weir")
  })

  const request = requestOf({ messages: [{ role: "user", content: "hi" }] })

  it.prop("sends the very bytes where policy changes nothing", [Arbitrary.schema(Schema.String)], ([text]) => {
    const body = new TextEncoder().encode(`{"model":"x", "metadata":{"n":1.0,"t":${JSON.stringify(text)}}}`)
    assert.strictEqual(bodyOf({ request, changes: {}, original: { body, headers: {}, query: "" } }), body)
  })

  it("changes what policy changes, and nothing else", () => {
    const body = new TextEncoder().encode(`{"model" : "my-sonnet", "temperature":1.0, "future":{"model":"my-sonnet"}}`)
    assert.strictEqual(
      bodyOf({ request, changes: { model: "claude-sonnet-4-5" }, original: { body, headers: {}, query: "" } }),
      `{"model" : "claude-sonnet-4-5", "temperature":1.0, "future":{"model":"my-sonnet"}}`
    )
  })

  it("writes a request that came from no client", () => {
    const body = bodyOf({ request, changes: { model: "m" }, original: null })
    assert.deepStrictEqual(JSON.parse(String(body)), { ...request, model: "m" })
  })
})
