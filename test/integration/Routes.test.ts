/** Two upstreams of different kinds behind one gateway: who serves, and what its client notices of that. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AnthropicSimulator } from "../../src/simulator/anthropic/AnthropicSimulator.ts"
import type { Script } from "../../src/simulator/Script.ts"
import { ask } from "../support/Ask.ts"
import { makeSimulator } from "../support/JudgedSimulator.ts"
import { adminKey, anthropicKey, apiKey, makeGateway } from "../support/Rig.ts"

const admin = { headers: { "x-api-key": adminKey } }

const makeTwo = Effect.fnUntraced(function* (script: Script) {
  const kiro = yield* makeSimulator(script)
  const anthropic = yield* Effect.orDie(AnthropicSimulator.make())
  const gateway = yield* makeGateway(
    {
      upstreams: [
        { id: "kiro", kind: "kiro", endpoints: { api: kiro.url, socialRefresh: kiro.url, idcRefresh: kiro.url } },
        { id: "anthropic", kind: "anthropic", baseUrl: anthropic.url }
      ],
      models: { routes: { "claude-*": ["kiro", "anthropic"] } }
    },
    [anthropicKey("a", { priority: -1 }), apiKey("ksk_1")]
  )
  return { kiro, anthropic, gateway }
})

const question = { role: "user", content: "Hello" }
const body = (more: object = {}) => ({ model: "claude-sonnet-4-5", max_tokens: 2000, messages: [question], ...more })

describe("a route over Kiro and Anthropic", () => {
  it.live("asks Kiro first, whatever the priorities of the credentials are", () =>
    Effect.gen(function* () {
      const { gateway } = yield* makeTwo({})
      const answer = yield* ask(gateway, "/v1/messages", { body: body() })
      assert.strictEqual(answer.headers.get("weir-upstream"), "kiro")
      const explained = yield* ask(gateway, "/api/admin/pool/explain?model=claude-sonnet-4-5", admin)
      assert.deepNestedInclude(explained.json, { chosen: "ksk_1" })
    })
  )

  for (const stream of [true, false]) {
    it.live(`goes to Anthropic where Kiro fails before its first event, and says why (stream: ${stream})`, () =>
      Effect.gen(function* () {
        const { anthropic, gateway } = yield* makeTwo({ rules: [{ fail: "internal" }] })
        const answer = yield* ask(gateway, "/v1/messages", { body: body({ stream }) })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("weir-upstream"), "anthropic")
        assert.strictEqual(answer.headers.get("weir-attempts"), "2")
        assert.include(answer.text, "You said: Hello")
        const [, served] = (yield* anthropic.requests).filter(({ path }) => path.startsWith("/v1/m"))
        assert.deepStrictEqual(JSON.parse(served?.body ?? "null"), body({ stream }))
        const id = answer.headers.get("request-id")
        const { json } = yield* ask(gateway, `/api/admin/requests/${id}`, admin)
        assert.deepNestedInclude(json, {
          "attempts[0].upstream": "kiro",
          "attempts[0].failure.kind": "upstream_error",
          "attempts[1].upstream": "anthropic",
          "attempts[1].failure": null
        })
        const { json: why } = yield* ask(gateway, "/api/admin/pool/explain?model=claude-sonnet-4-5", admin)
        assert.include(JSON.stringify(why), "kiro: ")
      })
    )
  }

  it.live("never goes on with what Kiro says is the client's mistake", () =>
    Effect.gen(function* () {
      const { anthropic, gateway } = yield* makeTwo({ rules: [{ fail: "improperly_formed" }] })
      const answer = yield* ask(gateway, "/v1/messages", { body: body() })
      assert.strictEqual(answer.status, 400)
      assert.deepStrictEqual(
        (yield* anthropic.requests).filter(({ usage }) => usage !== null),
        []
      )
    })
  )

  it.live("never goes on once the client has heard something", () =>
    Effect.gen(function* () {
      const { anthropic, gateway } = yield* makeTwo({
        rules: [{ steps: [{ text: "Half" }, { delay: 20 }, { cut: true }] }]
      })
      const answer = yield* ask(gateway, "/v1/messages", { body: body({ stream: true }) })
      assert.include(answer.text, "Half")
      assert.include(answer.text, "event: error")
      assert.deepStrictEqual(
        (yield* anthropic.requests).filter(({ usage }) => usage !== null),
        []
      )
    })
  )

  it.live("goes on with a conversation whose thinking Kiro has signed", () =>
    Effect.gen(function* () {
      const thinking = { type: "enabled", budget_tokens: 1024 }
      const { anthropic, gateway } = yield* makeTwo({
        rules: [{ times: 1, steps: [{ thinking: "Hm." }, { text: "Yes." }] }, { fail: "internal" }]
      })
      const first = yield* ask(gateway, "/v1/messages", { body: body({ thinking }) })
      const content = JSON.parse(first.text).content
      assert.strictEqual(content[0].type, "thinking")
      const messages = [question, { role: "assistant", content }, { role: "user", content: "And?" }]
      const second = yield* ask(gateway, "/v1/messages", { body: body({ thinking, messages }) })
      assert.strictEqual(second.status, 200, second.text)
      assert.strictEqual(second.headers.get("weir-upstream"), "anthropic")
      assert.lengthOf(yield* anthropic.refused, 1)
    })
  )
})
