/** Everything but the messages themselves: probes, models, counting, and what is not there. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { ask, at, saying } from "../support/Ask.ts"
import { makeRig } from "../support/Rig.ts"

describe("the server", () => {
  it.live("answers probes, HEAD included", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      for (const path of ["/", "/livez", "/readyz", "/metrics"]) {
        assert.strictEqual((yield* ask(rig, path)).status, 200, path)
      }
      assert.strictEqual((yield* ask(rig, "/", { method: "HEAD" })).status, 200)
    })
  )

  it.live("exports the pool's state", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const { text } = yield* ask(rig, "/metrics")
      for (const line of ["weir_permits_outstanding 0", "weir_leases_live 0", "weir_queue_length 0"]) {
        assert.include(text.split("\n"), line)
      }
      assert.include(text, 'weir_credentials{state="ready"} 1')
      assert.notInclude(text, "ksk_")
    })
  )

  it.live("answers what is not there in JSON, with a request id", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const cases = [
        ["GET", "/nothing", 404],
        ["POST", "/v1/nothing", 404],
        ["GET", "/v1/messages", 405],
        ["DELETE", "/v1/models", 405],
        ["GET", "/v1/models/one/more", 404],
        ["PUT", "/v1/messages/count_tokens?beta=true", 405]
      ] as const
      for (const [method, path, status] of cases) {
        const answer = yield* ask(rig, path, { method })
        assert.strictEqual(answer.status, status, `${method} ${path}`)
        assert.strictEqual(at(answer.json, "type"), "error")
        assert.strictEqual(at(answer.json, "request_id"), answer.headers.get("request-id"))
      }
    })
  )

  it.live("counts tokens of a request without max_tokens", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const { max_tokens: _, ...body } = saying("Hello")
      for (const path of [
        "/v1/messages/count_tokens",
        "/v1/messages/count_tokens?beta=true",
        "/cc/v1/messages/count_tokens"
      ]) {
        const answer = yield* ask(rig, path, { body })
        assert.strictEqual(answer.status, 200)
        assert.isAtLeast(Number(at(answer.json, "input_tokens")), 1)
      }
      assert.strictEqual((yield* ask(rig, "/v1/messages/count_tokens", { body: { ...body, model: 1 } })).status, 400)
    })
  )

  it.live("lists models as Anthropic does, page by page, and knows one by any of its names", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const { json } = yield* ask(rig, "/v1/models?limit=1000")
      const data = at(json, "data")
      assert.isTrue(Array.isArray(data) && data.length > 0)
      const ids = Array.isArray(data) ? data.map((model) => String(at(model, "id"))) : []
      assert.include(ids, "claude-sonnet-4-5")
      assert.deepStrictEqual(
        [at(json, "has_more"), at(json, "first_id"), at(json, "last_id")],
        [false, ids[0], ids.at(-1)]
      )
      const walked: Array<string> = []
      let after = ""
      for (;;) {
        const page = yield* ask(rig, `/v1/models?limit=2${after === "" ? "" : `&after_id=${after}`}`)
        const rows = at(page.json, "data")
        if (Array.isArray(rows)) walked.push(...rows.map((model) => String(at(model, "id"))))
        after = String(at(page.json, "last_id"))
        if (at(page.json, "has_more") !== true) break
      }
      assert.deepStrictEqual(walked, ids)
      for (const name of ["claude-sonnet-4-5", "claude-sonnet-4.5", "claude-sonnet-4-5-20250929"]) {
        assert.strictEqual(at((yield* ask(rig, `/v1/models/${name}`)).json, "id"), name)
      }
      assert.strictEqual((yield* ask(rig, "/v1/models/gpt-none")).status, 404)
      assert.strictEqual((yield* ask(rig, "/v1/models?limit=0")).status, 400)
      assert.strictEqual((yield* ask(rig, "/v1/models", { headers: { "x-api-key": "wrong" } })).status, 401)
    })
  )

  it.live("lists models within 3 s although the upstream says nothing", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: { rules: [{ operation: "models", steps: [{ stall: true }] }] } })
      const [duration, answer] = yield* Effect.timed(ask(rig, "/v1/models"))
      assert.strictEqual(answer.status, 200)
      assert.isBelow(Duration.toMillis(duration), 3000)
    })
  )

  it.live("lets browsers of a configured origin in, and no other", () =>
    Effect.gen(function* () {
      const origin = "https://app.example.com"
      const rig = yield* makeRig({ config: { server: { corsOrigins: [origin] } } })
      const asked = { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key" }
      const preflight = yield* ask(rig, "/v1/messages", { method: "OPTIONS", headers: asked })
      assert.strictEqual(preflight.status, 204)
      assert.strictEqual(preflight.headers.get("access-control-allow-origin"), origin)
      assert.strictEqual(preflight.headers.get("access-control-allow-headers"), "x-api-key")
      for (const stream of [true, false]) {
        const answer = yield* ask(rig, "/v1/messages", { body: saying("Hi", { stream }), headers: { origin } })
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), origin)
      }
      const other = yield* ask(rig, "/v1/models", { headers: { origin: "https://evil.example.com" } })
      assert.isNull(other.headers.get("access-control-allow-origin"))
    })
  )
})
