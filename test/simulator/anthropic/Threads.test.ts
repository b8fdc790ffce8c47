/** Conversations that the API holds, as the SDK's tool runner leads them. */
import { NotFoundError } from "@anthropic-ai/sdk"
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod"
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { z } from "zod"
import type { Simulator } from "../../../src/simulator/anthropic/AnthropicSimulator.ts"
import { ask, at, clientOf, model, rejected, saying, test } from "./Sdk.ts"

const cities: Array<string> = []
const weather = betaZodTool({
  name: "get_weather",
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string() }),
  run: ({ city }) => {
    cities.push(city)
    return Promise.resolve(`21 degrees in ${city}`)
  }
})
const task = { model, max_tokens: 2_000, tools: [weather], messages: [{ role: "user" as const, content: "Weather?" }] }
const beta = { "anthropic-beta": "message-threads-2026-08-12" }

const threadsOf = async (server: Simulator) =>
  (await Effect.runPromise(server.requests)).map(({ body }) => at(JSON.parse(body), "thread", "type"))

const post = (server: Simulator, body: object, key = "key-1") =>
  ask(server, "/v1/messages", { body, headers: { ...beta, "x-api-key": key } })

const continuing = (id: unknown, content = "go on") =>
  saying(content, { thread: { type: "continue", previous_message_id: id } })

describe("a thread", () => {
  for (const stream of [false, true]) {
    test(`carries a loop of tools, ${stream ? "streamed" : "whole"}`, {}, async (sdk, server) => {
      const runner = sdk.beta.messages.toolRunner({
        ...task,
        stream,
        thinking: { type: "enabled", budget_tokens: 1_024 }
      })
      const last = await runner.runUntilDone()
      assert.include(JSON.stringify(last.content), "21 degrees in example")
      assert.deepStrictEqual(await threadsOf(server), ["create", "continue"])
      assert.deepStrictEqual(await Effect.runPromise(server.refused), [])
      const [, second] = await Effect.runPromise(server.requests)
      const body: unknown = JSON.parse(second?.body ?? "")
      assert.isUndefined(at(body, "tools"))
      assert.strictEqual(at(body, "messages", 0, "content", 0, "type"), "tool_result")
      assert.isUndefined(at(body, "messages", 1))
    })
  }

  test("that another account made is not found, and the SDK tells it anew", {}, async (sdk, server) => {
    const other = clientOf(server, { apiKey: "key-2" })
    let calls = 0
    const swapping = clientOf(server, {
      fetch: async (url, init) => {
        calls++
        const headers = new Headers(init?.headers)
        if (calls === 2) headers.set("authorization", `Bearer ${other.apiKey}`)
        return await fetch(url, { ...init, headers })
      }
    })
    const last = await swapping.beta.messages.toolRunner(task)
    assert.include(JSON.stringify(last.content), "21 degrees")
    assert.deepStrictEqual(await threadsOf(server), ["create", "continue", "create"])
    const [refused] = await Effect.runPromise(server.refused)
    assert.strictEqual(refused?.refused?.details?.["error_code"], "thread_not_found")
    assert.isDefined(sdk)
  })

  test("goes on once from each answer", {}, async (_, server) => {
    const first = await post(server, saying("one", { thread: { type: "create" } }))
    const id = at(first.json, "id")
    const second = await post(server, continuing(id, "two"))
    assert.strictEqual(at(second.json, "content", 0, "text"), "You said: two")
    assert.isAbove(Number(at(second.json, "usage", "input_tokens")), Number(at(first.json, "usage", "input_tokens")))
    const again = await post(server, continuing(id, "again"))
    assert.deepInclude(at(again.json, "error", "details"), { error_code: "thread_already_continued" })
    assert.strictEqual((await post(server, continuing(at(second.json, "id")))).status, 200)
  })

  test("is 404 for what nobody made, and takes neither tools nor system again", {}, async (sdk, server) => {
    const lost = await post(server, continuing("msg_none"))
    assert.strictEqual(lost.status, 404)
    assert.deepInclude(at(lost.json, "error"), { type: "not_found_error", details: { error_code: "thread_not_found" } })
    const first = await post(server, saying("one", { thread: { type: "create" } }))
    const withSystem = await post(server, { ...continuing(at(first.json, "id")), system: "s" })
    assert.strictEqual(at(withSystem.json, "error", "message"), "system: cannot be set when a thread is continued")
    const empty = await post(server, { ...continuing(at(first.json, "id")), messages: [] })
    assert.strictEqual(empty.status, 400)
    const error = await rejected(
      sdk.beta.messages.create({
        model,
        max_tokens: 9,
        messages: [],
        thread: { type: "continue", previous_message_id: "msg_x" },
        betas: ["message-threads-2026-08-12"]
      })
    )
    assert(error instanceof NotFoundError)
    assert.strictEqual(error.errorCode, "thread_not_found")
  })

  test("needs its beta", {}, async (_, server) => {
    const { json } = await ask(server, "/v1/messages", { body: saying("one", { thread: { type: "create" } }) })
    assert.strictEqual(at(json, "error", "message"), "thread: Extra inputs are not permitted")
  })

  test(
    "holds no answer that was not told to its end, and resumes a turn that paused",
    {
      rules: [
        { match: "lost", cut: { events: 4 } },
        { match: "pause", content: [{ type: "text", text: "wait" }], stopReason: "pause_turn", times: 1 }
      ]
    },
    async (_, server) => {
      const stream = { stream: true, thread: { type: "create" } }
      await rejected(post(server, saying("lost", stream)))
      const [seen] = await Effect.runPromise(server.requests)
      const id = /"id":"(msg_\w+)"/.exec(seen?.answer ?? "")?.[1]
      assert.isDefined(id)
      assert.strictEqual((await post(server, continuing(id))).status, 404)
      const paused = await post(server, saying("pause", { thread: { type: "create" } }))
      assert.strictEqual(at(paused.json, "stop_reason"), "pause_turn")
      const resumed = await post(server, { ...continuing(at(paused.json, "id")), messages: [] })
      assert.strictEqual(resumed.status, 200, resumed.text)
    }
  )
})
