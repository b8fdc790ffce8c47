/** What the simulator refuses, in the words in which Anthropic does. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AnthropicSimulator } from "../../../src/simulator/anthropic/AnthropicSimulator.ts"
import { type Answered, ask, type Asking, at, model, saying } from "./Sdk.ts"

const server = AnthropicSimulator.make()

const check = (name: string, asking: Asking, is: (answered: Answered) => void, path = "/v1/messages") =>
  it.live(name, () =>
    Effect.gen(function* () {
      const running = yield* server
      is(yield* Effect.promise(() => ask(running, path, asking)))
    })
  )

/** A request that is refused with 400 and this message, whole or as a pattern. */
const refuses = (message: string | RegExp, body: unknown, headers: Record<string, string | null> = {}) =>
  check(`says ${String(message)}`, { body, headers }, ({ headers, json, status }) => {
    assert.strictEqual(status, 400, JSON.stringify(json))
    assert.strictEqual(at(json, "type"), "error")
    assert.strictEqual(at(json, "error", "type"), "invalid_request_error")
    assert.strictEqual(at(json, "request_id"), headers.get("request-id"))
    const said = String(at(json, "error", "message"))
    if (typeof message === "string") assert.strictEqual(said, message)
    else assert.match(said, message)
  })

const accepts = (name: string, body: unknown, headers: Record<string, string | null> = {}) =>
  check(name, { body, headers }, ({ json, status }) => assert.strictEqual(status, 200, JSON.stringify(json)))

const talk = (...messages: ReadonlyArray<readonly [role: string, content: unknown]>) =>
  saying("", { messages: messages.map(([role, content]) => ({ role, content })) })
const use = (id: string) => ({ type: "tool_use", id, name: "t", input: {} })
const result = (id: string) => ({ type: "tool_result", tool_use_id: id, content: "ok" })
const tool = (more: object = {}) => ({ name: "t", input_schema: { type: "object" }, ...more })
const cached = (ttl?: string) => ({ cache_control: { type: "ephemeral", ...(ttl === undefined ? {} : { ttl }) } })
const thinking = { thinking: { type: "enabled", budget_tokens: 1_024 }, max_tokens: 2_048 }
const beta = (...names: ReadonlyArray<string>) => ({ "anthropic-beta": names.join(",") })

describe("a caller", () => {
  for (const [name, headers, message] of [
    ["without a key", { "x-api-key": null }, "x-api-key header is required"],
    ["with two keys", { authorization: "Bearer key-1" }, "x-api-key and authorization headers must not both be given"],
    ["with a scheme that is none", { "x-api-key": null, authorization: "Basic a2V5" }, "Invalid bearer token"],
    ["with a token of a sign-in as a key", { "x-api-key": "sk-ant-oat01-x" }, "invalid x-api-key"],
    [
      "with a token of a sign-in and no beta for it",
      { "x-api-key": null, authorization: "Bearer sk-ant-oat01-x" },
      "OAuth authentication is currently not supported."
    ]
  ] as const) {
    check(`${name} is not let in`, { body: saying("Hi"), headers }, ({ json, status }) => {
      assert.strictEqual(status, 401)
      assert.strictEqual(at(json, "error", "type"), "authentication_error")
      assert.strictEqual(at(json, "error", "message"), message)
    })
  }

  accepts("with a bearer token is let in", saying("Hi"), { "x-api-key": null, authorization: "Bearer key" })
  accepts("with a token of a sign-in and its beta is let in", saying("Hi"), {
    "x-api-key": null,
    authorization: "Bearer sk-ant-oat01-x",
    ...beta("oauth-2025-04-20")
  })
  refuses("anthropic-version: header is required", saying("Hi"), { "anthropic-version": null })
  refuses('anthropic-version: "2020-01-01" is not a valid version', saying("Hi"), { "anthropic-version": "2020-01-01" })
  refuses("Unexpected value(s) `Nonsense` for the `anthropic-beta` header.", saying("Hi"), beta("Nonsense"))
})

describe("a body", () => {
  refuses("The request body is not valid JSON", "{")
  refuses("Input should be a valid dictionary", [])
  refuses("model: Field required", { max_tokens: 1, messages: [] })
  refuses("max_tokens: Field required", { model, messages: [] })
  refuses("max_tokens: Input should be greater than or equal to 1", saying("Hi", { max_tokens: 0 }))
  refuses("max_tokens: Input should be a valid integer", saying("Hi", { max_tokens: 1.5 }))
  refuses(
    /^max_tokens: 50000 > 32000, which is the maximum allowed number of output tokens/,
    saying("Hi", { max_tokens: 50_000 })
  )
  refuses("foo: Extra inputs are not permitted", saying("Hi", { foo: 1 }))
  refuses("temperature: Input should be less than or equal to 1", saying("Hi", { temperature: 2 }))
  refuses(
    "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
    saying("Hi", {
      system: [{ type: "text", text: "x", cache_control: { type: "ephemeral", scope: "global" } }]
    })
  )
  refuses("prompt is too long: 200024 tokens > 200000 maximum", saying("word".repeat(200_017)))

  check(
    "with a model that nobody knows is not found",
    { body: saying("Hi", { model: "gpt-5" }) },
    ({ json, status }) => {
      assert.strictEqual(status, 404)
      assert.deepStrictEqual(at(json, "error"), { type: "not_found_error", message: "model: gpt-5" })
    }
  )
  check("over 32 MB is too large", { body: saying("x".repeat(33 * 1_024 * 1_024)) }, ({ json, status }) => {
    assert.strictEqual(status, 413)
    assert.strictEqual(at(json, "error", "type"), "request_too_large")
  })
  check(
    "at a path that is none is not found",
    { body: {} },
    ({ status }) => assert.strictEqual(status, 404),
    "/v1/nothing"
  )
  check("with the wrong method is refused", {}, ({ status }) => assert.strictEqual(status, 405))
  check("is not asked of HEAD /", { method: "HEAD" }, ({ status }) => assert.strictEqual(status, 200), "/")
})

describe("members of betas", () => {
  const managed = saying("Hi", { context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] } })
  refuses("context_management: Extra inputs are not permitted", managed)
  refuses("context_management: Extra inputs are not permitted", managed, beta("interleaved-thinking-2025-05-14"))
  accepts("are taken with their beta", managed, beta("context-management-2025-06-27"))
  accepts(
    "are taken as Claude Code sends them",
    saying(
      [
        { type: "text", text: "<system-reminder>x</system-reminder>" },
        { type: "text", text: "Hi", ...cached() }
      ],
      {
        model: "claude-opus-5-5",
        system: [
          { type: "text", text: "billing" },
          { type: "text", text: "You are", ...cached() }
        ],
        thinking: { type: "adaptive", display: "updates" },
        output_config: { effort: "high" },
        context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
        safeguards: [{ type: "dangerous_tool_use", classifier_context: {} }],
        metadata: { user_id: "{}" },
        tools: [tool(), tool({ name: "DeferredToolPlaceholder", defer_loading: true })],
        stream: true
      }
    ),
    beta("context-management-2025-06-27", "dangerous-tool-use-2026-09-03", "claude-code-20250219")
  )
  const system = { role: "system", content: [{ type: "text", text: "s" }], output_config: { effort: "low" } }
  const messages = [{ role: "user", content: "Hi" }, system]
  refuses("messages.1.output_config: Extra inputs are not permitted", saying("", { messages }))
  accepts("are taken inside messages", saying("", { messages }), beta("per-turn-control-2026-07-01"))
})

describe("messages", () => {
  refuses("messages: at least one message is required", saying("", { messages: [] }))
  refuses("messages.0.content: Field required", saying("", { messages: [{ role: "user" }] }))
  refuses('messages: Unexpected role "tool". Allowed roles are "user" or "assistant"', talk(["tool", "x"]))
  refuses('messages: first message must use the "user" role', talk(["assistant", "x"], ["user", "y"]))
  refuses(/^messages.0: all messages must have non-empty content/, talk(["user", ""], ["assistant", "x"]))
  refuses(
    /^messages.1: all messages must have non-empty content/,
    talk(["user", "x"], ["assistant", []], ["user", "y"])
  )
  refuses("messages: text content blocks must be non-empty", talk(["user", [{ type: "text", text: "" }]]))
  refuses("messages: text content blocks must contain non-whitespace text", talk(["user", " \n"]))
  refuses(
    "messages: final assistant content cannot end with trailing whitespace",
    talk(["user", "x"], ["assistant", "y "])
  )
  refuses("messages.0.content.0.type: Field required", talk(["user", [{ text: "x" }]]))
  refuses("messages.0.content.0.text.text: Field required", talk(["user", [{ type: "text" }]]))
  refuses(
    "messages.0.content.0.text.extra: Extra inputs are not permitted",
    talk(["user", [{ type: "text", text: "x", extra: 1 }]])
  )
  refuses(
    /^messages.0.content.0: Input tag 'video' found using 'type' does not match any of the expected tags: 'text'/,
    talk(["user", [{ type: "video" }]])
  )
  accepts(
    "of one role in a row are one turn",
    talk(["user", "a"], ["user", "b"], ["assistant", "c"], ["assistant", "d"], ["user", "e"])
  )
})

describe("tools", () => {
  refuses(
    "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    saying("Hi", { tools: [tool({ name: "a b" })] })
  )
  refuses("tools.0.custom.input_schema: Field required", saying("Hi", { tools: [{ name: "t" }] }))
  refuses(
    "tools.0.custom.input_schema.type: Input should be 'object'",
    saying("Hi", { tools: [tool({ input_schema: { type: "string" } })] })
  )
  refuses(/^tools.0: Input tag 'magic_20260101'/, saying("Hi", { tools: [{ type: "magic_20260101", name: "x" }] }))
  refuses("tools: Tool names must be unique.", saying("Hi", { tools: [tool(), tool()] }))
  refuses("tool_choice may only be specified while providing tools.", saying("Hi", { tool_choice: { type: "any" } }))
  refuses(
    "Tool 'u' not found in provided tools",
    saying("Hi", { tools: [tool()], tool_choice: { type: "tool", name: "u" } })
  )
  refuses(
    /^messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a, b\./,
    talk(["user", "x"], ["assistant", [use("a"), use("b")]], ["user", "no"])
  )
  refuses(
    /^messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: b\./,
    talk(["user", "x"], ["assistant", [use("a"), use("b")]], ["user", [result("a")]])
  )
  refuses(
    /^messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: b\./,
    talk(["user", "x"], ["assistant", [use("a")]], ["user", [result("a"), result("b")]])
  )
  refuses(/^messages.0.content.0: unexpected `tool_use_id`/, talk(["user", [result("a")]]))
  refuses(
    /^messages.2.content.1: each tool_use must have a single result/,
    talk(["user", "x"], ["assistant", [use("a")]], ["user", [result("a"), result("a")]])
  )
  refuses(
    "messages: `tool_use` ids must be unique",
    talk(["user", "x"], ["assistant", [use("a"), use("a")]], ["user", [result("a")]])
  )
  accepts(
    "have results after messages of the system",
    talk(["user", "x"], ["assistant", [use("a")]], ["system", "s"], ["user", [result("a")]])
  )
  const search = { type: "server_tool_use", id: "s1", name: "web_search", input: {} }
  refuses(
    /^messages.1: `web_search` tool use with id `s1` was found without a corresponding `web_search_tool_result` block/,
    talk(["user", "x"], ["assistant", [search]], ["user", "y"])
  )
  accepts("of the server may be under way in the last turn", talk(["user", "x"], ["assistant", [search]]))
})

describe("breakpoints", () => {
  const text = (ttl?: string) => ({ type: "text", text: "x", ...cached(ttl) })
  refuses(
    "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    saying([text(), text(), text()], { system: [text()], tools: [tool(cached())] })
  )
  refuses(
    "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    saying([text(), text(), text(), text()], cached())
  )
  refuses(/a ttl='1h' cache_control block must not come after a ttl='5m'/, saying([text("1h")], { system: [text()] }))
  accepts("of an hour may stand before those of five minutes", saying([text("5m")], { system: [text("1h")] }))
  refuses("messages.0.content.0.text.cache_control.ephemeral.ttl: Input should be '5m' or '1h'", saying([text("2h")]))
})

describe("thinking", () => {
  refuses(
    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    saying("Hi", { thinking: { type: "enabled", budget_tokens: 10 } })
  )
  refuses(
    "`max_tokens` must be greater than `thinking.budget_tokens`.",
    saying("Hi", { ...thinking, max_tokens: 1_024 })
  )
  refuses(
    "Thinking may not be enabled when tool_choice forces tool use.",
    saying("Hi", { ...thinking, tools: [tool()], tool_choice: { type: "any" } })
  )
  refuses(
    "`temperature` may only be set to 1 when thinking is enabled.",
    saying("Hi", { ...thinking, temperature: 0.5 })
  )
  const forged = { type: "thinking", thinking: "hm", signature: "Zm9yZ2Vk" }
  refuses(
    "messages.1.content.0: Invalid `signature` in `thinking` block",
    talk(["user", "x"], ["assistant", [forged, { type: "text", text: "y" }]], ["user", "z"])
  )
  refuses(
    "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
    talk(["user", "x"], ["assistant", [{ type: "redacted_thinking", data: "eA==" }]], ["user", "z"])
  )
  const loop = talk(["user", "x"], ["assistant", [use("a")]], ["user", [result("a")]])
  refuses(/^messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`/, {
    ...loop,
    ...thinking
  })
  accepts("may be missing from turns that are over", {
    ...talk(["user", "x"], ["assistant", "y"], ["user", "z"]),
    ...thinking
  })
  accepts("that adapts may be missing from a loop", { ...loop, thinking: { type: "adaptive" } })

  it.live("is known again by its account and line of models, and by nobody else", () =>
    Effect.gen(function* () {
      const running = yield* server
      const send = (body: object, key = "key-1") =>
        Effect.promise(() => ask(running, "/v1/messages", { body, headers: { "x-api-key": key } }))
      const first = yield* send(saying("x", thinking))
      const content = at(first.json, "content")
      const again = { ...talk(["user", "x"], ["assistant", content], ["user", "z"]), ...thinking }
      assert.strictEqual((yield* send(again)).status, 200)
      assert.strictEqual((yield* send({ ...again, model: "claude-opus-5-5" })).status, 200)
      for (const [body, key] of [
        [again, "key-2"],
        [{ ...again, model: "claude-haiku-4-5" }, "key-1"]
      ] as const) {
        const refused = yield* send(body, key)
        assert.strictEqual(
          at(refused.json, "error", "message"),
          "messages.1.content.0: Invalid `signature` in `thinking` block"
        )
      }
      const changed = JSON.parse(JSON.stringify(again).replace("Let me think.", "Let me cheat."))
      assert.strictEqual((yield* send(changed)).status, 400)
    })
  )
})
