import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ContentBlock, ContentEvent } from "../../../src/message/MessageEvent.ts"
import type { Rule, Step } from "../../../src/simulator/Script.ts"
import { answer, bodies, callOf, deltas, makeRig, playing, refusal } from "./KiroRig.ts"

const webSearch = { type: "web_search_20250305", name: "web_search" }
const weather = { name: "get_weather", description: "d", input_schema: { type: "object", properties: {} } }
const both = { tools: [webSearch, weather] }

const searching = (query: string, id = "tooluse_1"): Step => ({ tool: "web_search", id, input: { query } })
const finding = (results: ReadonlyArray<object>): Rule => ({
  operation: "mcp",
  steps: [{ json: { jsonrpc: "2.0", result: { content: [{ type: "text", text: JSON.stringify({ results }) }] } } }]
})
const hit = { title: "T", url: "https://example.com/", snippet: "S", publishedDate: Date.UTC(2026, 0, 2, 23) }

const blocks = (events: ReadonlyArray<ContentEvent>): ReadonlyArray<ContentBlock> =>
  events.flatMap((event) => (event.type === "content_block_start" ? [event.content_block] : []))

const resultsOf = (events: ReadonlyArray<ContentEvent>) =>
  blocks(events).flatMap((block) => (block.type === "web_search_tool_result" ? [block] : []))

const operations = Effect.fnUntraced(function* (rig: Effect.Success<ReturnType<typeof makeRig>>) {
  return (yield* rig.simulator.requests).map(({ operation }) => operation)
})

describe("a request with web search as its only tool", () => {
  const asking = (content: string) => callOf({ messages: [{ role: "user", content }], tools: [webSearch] })

  it.live("shows no hit of a domain that the tool blocks", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [finding([hit, { url: "https://other.test/2" }])] })
      const tools = [{ ...webSearch, blocked_domains: ["example.com"] }]
      const { events } = yield* answer(rig, callOf({ messages: [{ role: "user", content: "cats" }], tools }))
      const content = resultsOf(events)[0]?.content
      const urls = Array.isArray(content) ? content.map((found) => ("url" in found ? found.url : "")) : []
      assert.deepStrictEqual(urls, ["https://other.test/2"])
      assert.notInclude(deltas(events, "text_delta"), "example.com")
    })
  )

  it.live("is answered by the results themselves, and no model is asked", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [finding([hit, { url: "https://example.com/2" }])] })
      const { events, settlement } = yield* answer(rig, asking("Perform a web search for the query: cats"))
      assert.deepStrictEqual(
        blocks(events).map(({ type }) => type),
        ["server_tool_use", "web_search_tool_result", "text"]
      )
      const [call] = blocks(events)
      const [result] = resultsOf(events)
      assert.strictEqual(call?.type === "server_tool_use" ? call.id : "", result?.tool_use_id)
      assert.match(result?.tool_use_id ?? "", /^srvtoolu_[0-9a-f]{32}$/)
      assert.deepStrictEqual(JSON.parse(deltas(events, "input_json_delta")), { query: "cats" })
      assert.deepStrictEqual(result?.content, [
        {
          type: "web_search_result",
          title: "T",
          url: "https://example.com/",
          encrypted_content: Buffer.from("S").toString("base64"),
          page_age: "January 2, 2026"
        },
        {
          type: "web_search_result",
          title: "https://example.com/2",
          url: "https://example.com/2",
          encrypted_content: "",
          page_age: null
        }
      ])
      assert.strictEqual(settlement.stopReason, "end_turn")
      assert.strictEqual(settlement.webSearches, 1)
      assert.deepStrictEqual(yield* operations(rig), ["mcp"])
    })
  )

  it.live("searches for the latest user turn", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const messages = [
        { role: "user", content: "first" },
        { role: "assistant", content: "done" },
        { role: "user", content: [{ type: "text", text: "second" }] }
      ]
      yield* answer(rig, callOf({ messages, tools: [webSearch] }))
      const [request] = yield* rig.simulator.requests
      assert.include(request?.body, '"query":"second"')
    })
  )

  it.live("goes to the model where tools are not wanted or there is nothing to search for", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ text: "a" }])
      yield* answer(rig, callOf({ tools: [webSearch], tool_choice: { type: "none" } }))
      yield* answer(rig, asking("Perform a web search for the query: "))
      assert.deepStrictEqual(yield* operations(rig), ["generate", "generate"])
    })
  )

  it.live("says in the result block that the search failed", () =>
    Effect.gen(function* () {
      for (const steps of [
        [{ fail: "internal" }],
        [{ json: { jsonrpc: "2.0", error: { code: -1, message: "no" } } }],
        [{ json: { jsonrpc: "2.0", result: { isError: true, content: [] } } }],
        [{ json: { something: "else" } }],
        [{ json: { result: { content: [{ type: "text", text: "not JSON" }] } } }]
      ] as const) {
        const rig = yield* makeRig({ rules: [{ operation: "mcp", steps }] })
        const { events, settlement } = yield* answer(rig, asking("cats"))
        assert.deepStrictEqual(
          resultsOf(events).map(({ content }) => content),
          [{ type: "web_search_tool_result_error", error_code: "unavailable" }]
        )
        assert.strictEqual(settlement.webSearches, 0)
      }
    })
  )

  it.live("fails where another credential may do better", () =>
    Effect.gen(function* () {
      for (const [fail, kind] of [
        ["rate_limit", "rate_limit"],
        ["bearer_invalid", "token_rejected"],
        ["monthly_quota", "quota_exceeded"]
      ] as const) {
        const rig = yield* makeRig({ rules: [{ operation: "mcp", fail }] })
        const { events, reason } = yield* refusal(rig, asking("cats"))
        assert.strictEqual(reason.kind, kind)
        assert.deepStrictEqual(events, [])
      }
    })
  )

  it.live("refuses a query that is too long without sending it", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const { events } = yield* answer(rig, asking("x".repeat(1001)))
      assert.deepStrictEqual(
        resultsOf(events).map(({ content }) => content),
        [{ type: "web_search_tool_result_error", error_code: "query_too_long" }]
      )
      assert.deepStrictEqual(yield* operations(rig), [])
    })
  )
})

describe("web search among other tools", () => {
  it.live("is run by the gateway, and the model goes on from what it found", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        rules: [
          finding([hit]),
          {
            steps: [{ thinking: "hm", signature: "c2ln" }, { text: "Let me look." }, searching("cats")],
            then: [{ text: "Cats it is." }]
          }
        ]
      })
      const { events, settlement } = yield* answer(rig, callOf({ ...both, thinking: { type: "adaptive" } }))
      assert.deepStrictEqual(
        blocks(events).map(({ type }) => type),
        ["thinking", "text", "server_tool_use", "web_search_tool_result", "text"]
      )
      assert.strictEqual(resultsOf(events)[0]?.tool_use_id, "srvtoolu_1")
      assert.strictEqual(deltas(events, "text_delta"), "Let me look.Cats it is.")
      assert.strictEqual(settlement.stopReason, "end_turn")
      assert.strictEqual(settlement.webSearches, 1)
      assert.deepStrictEqual(yield* operations(rig), ["generate", "mcp", "generate"])
      const [, second] = yield* bodies(rig)
      const said = JSON.stringify(second)
      assert.include(said, "January 2, 2026")
      assert.include(said, '"signature":"c2ln"')
      assert.include(said, '"toolUseId":"tooluse_1"')
    })
  )

  it.live("tells what each call used, and stays in one conversation", () =>
    Effect.gen(function* () {
      const figures = { uncachedInputTokens: 10, outputTokens: 5, totalTokens: 15 }
      const exact: Step = { metadataEvent: figures }
      const rig = yield* makeRig({ rules: [{ steps: [searching("x"), exact], then: [{ text: "a" }, exact] }] })
      const { settlement } = yield* answer(rig, callOf(both))
      assert.deepStrictEqual(
        settlement.calls.map(({ usage }) => [usage.uncachedInputTokens, usage.outputTokens]),
        [
          [10, 5],
          [10, 5]
        ]
      )
      const [first, second] = settlement.calls
      assert.strictEqual(first?.inputAdded, 0)
      assert.isAbove(second?.inputAdded ?? 0, 0)
      const ids = (yield* bodies(rig)).map((body) => /"conversationId":"([^"]+)"/.exec(JSON.stringify(body))?.[1])
      assert.lengthOf(ids, 2)
      assert.strictEqual(ids[0], ids[1])
    })
  )

  it.live("leaves the client's own call to the client", () =>
    Effect.gen(function* () {
      const rig = yield* playing([searching("cats"), { tool: "get_weather", id: "tooluse_2", input: {} }])
      const { events, settlement } = yield* answer(rig, callOf(both))
      assert.deepStrictEqual(
        blocks(events).map(({ type }) => type),
        ["server_tool_use", "tool_use", "web_search_tool_result"]
      )
      assert.strictEqual(settlement.stopReason, "tool_use")
      assert.deepStrictEqual(yield* operations(rig), ["generate", "mcp"])
    })
  )

  it.live("stops at max_uses, and the model is told", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        rules: [{ steps: [searching("a"), searching("b", "tooluse_2")], then: [{ text: "done" }] }]
      })
      const { events, settlement } = yield* answer(rig, callOf({ tools: [{ ...webSearch, max_uses: 1 }, weather] }))
      assert.deepStrictEqual(
        resultsOf(events).map(({ content }) => ("error_code" in content ? content.error_code : "found")),
        ["found", "max_uses_exceeded"]
      )
      assert.strictEqual(settlement.webSearches, 1)
      assert.deepStrictEqual(yield* operations(rig), ["generate", "mcp", "generate"])
      const [, second] = yield* bodies(rig)
      assert.include(JSON.stringify(second), "max_uses_exceeded")
    })
  )

  it.live("never fails the answer; the block and the model are told what went wrong", () =>
    Effect.gen(function* () {
      for (const [fail, code] of [
        ["rate_limit", "too_many_requests"],
        ["access_denied", "unavailable"],
        ["internal", "unavailable"],
        ["network", "unavailable"]
      ] as const) {
        const rig = yield* makeRig({
          rules: [
            { operation: "mcp", fail },
            { steps: [searching("cats")], then: [{ text: "done" }] }
          ]
        })
        const { events, settlement } = yield* answer(rig, callOf(both))
        assert.deepStrictEqual(
          resultsOf(events).map(({ content }) => content),
          [{ type: "web_search_tool_result_error", error_code: code }]
        )
        assert.strictEqual(settlement.stopReason, "end_turn")
        assert.strictEqual(settlement.webSearches, 0)
      }
    })
  )

  it.live("pauses the turn where a model never stops searching", () =>
    Effect.gen(function* () {
      const more: Step = { tool: "web_search", input: { query: "more" } }
      const rig = yield* makeRig({ rules: [{ steps: [more], then: [more] }] })
      const { events, settlement } = yield* answer(rig, callOf(both))
      assert.strictEqual(settlement.stopReason, "pause_turn")
      assert.strictEqual(settlement.webSearches, 8)
      assert.lengthOf(resultsOf(events), 10)
      assert.lengthOf(yield* bodies(rig), 10)
    })
  )

  it.live("is not run where the call was cut off", () =>
    Effect.gen(function* () {
      const rig = yield* playing([{ tool: "web_search", input: '{"que', stop: false }])
      const { settlement } = yield* answer(rig, callOf(both))
      assert.strictEqual(settlement.stopReason, "max_tokens")
      assert.deepStrictEqual(yield* operations(rig), ["generate"])
    })
  )
})
