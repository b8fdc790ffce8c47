/** Batches through a whole gateway, in front of a simulated Anthropic API. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Schedule, Schema } from "effect"
import { makeAnthropicRig } from "../support/AnthropicRig.ts"
import { ask } from "../support/Ask.ts"
import { adminKey } from "../support/Rig.ts"

const Made = Schema.fromJsonString(Schema.Struct({ id: Schema.String }))
const Key = Schema.Struct({ key: Schema.String })
const headers = { "anthropic-version": "2023-06-01" }

describe("a batch", () => {
  it.live("is remembered though its client went away while it was made", () =>
    Effect.gen(function* () {
      const rig = yield* makeAnthropicRig({
        script: { rules: [{ operation: "batches", times: 1, headersDelay: 300 }] }
      })
      const params = { model: "claude-sonnet-4-5", max_tokens: 10, messages: [{ role: "user", content: "Hello" }] }
      const body = { requests: [{ custom_id: "one", params }] }
      const client = yield* Effect.forkChild(ask(rig, "/v1/messages/batches", { body, headers }))
      const created = Effect.map(rig.simulator.requests, (all) =>
        all.find(({ method, path }) => method === "POST" && path === "/v1/messages/batches")
      )
      const soon = Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "5 seconds" }))
      yield* Effect.repeat(created, { until: (seen) => seen !== undefined, schedule: soon })
      yield* Fiber.interrupt(client)
      const id = Effect.map(created, (seen) => Option.getOrNull(Schema.decodeUnknownOption(Made)(seen?.answer ?? "")))
      const made = yield* Effect.repeat(id, { until: (made) => made !== null, schedule: soon })
      const found = Effect.map(ask(rig, `/v1/messages/batches/${made?.id}`, { headers }), ({ status }) => status)
      assert.strictEqual(yield* Effect.repeat(found, { until: (status) => status === 200, schedule: soon }), 200)
    })
  )

  it.live("is made only within what its client's key may do", () =>
    Effect.gen(function* () {
      const rig = yield* makeAnthropicRig()
      const make = Effect.fnUntraced(function* (limits: object, model: string) {
        const admin = { headers: { "x-api-key": adminKey }, body: { name: "k", ...limits } }
        const { key } = Schema.decodeUnknownSync(Key)((yield* ask(rig, "/api/admin/keys", admin)).json)
        const params = { model, max_tokens: 10, messages: [{ role: "user", content: "Hello" }] }
        const asking = ask(rig, "/v1/messages/batches", {
          body: { requests: [{ custom_id: "one", params }] },
          headers: { ...headers, "x-api-key": key }
        })
        return [(yield* asking).status, (yield* asking).status]
      })
      const sonnet = "claude-sonnet-4-5"
      assert.deepStrictEqual(yield* make({ models: ["claude-haiku-*"] }, sonnet), [403, 403])
      assert.deepStrictEqual(yield* make({ models: ["claude-sonnet-*"] }, sonnet), [200, 200])
      assert.deepStrictEqual(yield* make({ budget: { tokens: 1e9, per: "month" } }, sonnet), [403, 403])
      assert.deepStrictEqual(yield* make({ tokensPerMinute: 1e9 }, sonnet), [403, 403])
      assert.deepStrictEqual(yield* make({ requestsPerMinute: 1 }, sonnet), [200, 429])
      assert.lengthOf(
        (yield* rig.simulator.requests).filter(({ method }) => method === "POST"),
        3
      )
    })
  )
})
