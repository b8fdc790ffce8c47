/** Anthropic's own SDK as the judge of what the simulator answers. */
import {
  APIConnectionError,
  APIError,
  AuthenticationError,
  BadRequestError,
  ContentTooLargeError,
  GatewayTimeoutError,
  InternalServerError,
  NotFoundError,
  OverloadedError,
  PaymentRequiredError,
  PermissionDeniedError,
  RateLimitError,
  ServiceUnavailableError
} from "@anthropic-ai/sdk"
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod"
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { z } from "zod"
import { clientOf, model, rejected, test, until } from "./Sdk.ts"

const user = (content: string) => ({ role: "user" as const, content })
const weather = {
  name: "get_weather",
  input_schema: {
    type: "object" as const,
    properties: { city: { type: "string" }, unit: { enum: ["C", "F"] }, note: { type: "string" } },
    required: ["city", "unit"]
  }
}

describe("an answer, as the SDK reads it", () => {
  test("is the built-in agent's, with its usage and its request id", {}, async (sdk, server) => {
    const message = await sdk.messages.create({ model, max_tokens: 100, messages: [user("Hello there")] })
    const [text] = message.content
    assert(text?.type === "text")
    assert.strictEqual(text.text, "You said: Hello there")
    assert.deepInclude(message, { model: "claude-opus-4-1-20250805", stop_reason: "end_turn", role: "assistant" })
    assert.match(message.id, /^msg_/)
    assert.match(message._request_id ?? "", /^req_sim/)
    assert.isAbove(message.usage.input_tokens, 0)
    assert.isAbove(message.usage.output_tokens, 0)
    assert.strictEqual(message.usage.service_tier, "standard")
    const [seen] = await Effect.runPromise(server.requests)
    assert.deepInclude(seen, { method: "POST", path: "/v1/messages", token: "key-1", status: 200, ending: "complete" })
    assert.strictEqual(seen?.requestId, message._request_id)
    assert.strictEqual(seen?.bodyBytes, Buffer.byteLength(seen?.body ?? ""))
    assert.deepInclude(seen?.usage ?? {}, { output_tokens: message.usage.output_tokens })
    assert(seen?.rawHeaders.some(([name, value]) => name === "X-Stainless-Lang" && value === "js"))
    assert.deepInclude(seen?.headers, { "x-stainless-lang": "js" })
  })

  for (const chunk of [0, 1, 3, 1_000]) {
    test(`streamed in deltas of ${chunk} adds up to the same blocks`, {}, async (sdk, server) => {
      const content = [
        { type: "thinking", thinking: "Let me think." },
        { type: "redacted_thinking", data: "c2VjcmV0" },
        { type: "text", text: "Zwölf Boxkämpfer 🥊 jagen" },
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "boxing" } },
        {
          type: "web_search_tool_result",
          tool_use_id: "srvtoolu_1",
          content: [{ type: "web_search_result", url: "https://example.com", title: "A", encrypted_content: "x" }]
        },
        {
          type: "text",
          text: "Cited.",
          citations: [{ type: "char_location", cited_text: "a", document_index: 0, start_char_index: 0 }]
        },
        { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris", days: [1, 2] } }
      ]
      await Effect.runPromise(
        server.setScript({ rules: [{ content, chunk, usage: { server_tool_use: { web_search_requests: 1 } } }] })
      )
      const request = { model, max_tokens: 2_000, messages: [user("Go")] }
      const whole = await sdk.messages.create(request)
      const streamed = await sdk.messages.stream(request).finalMessage()
      assert.deepStrictEqual(streamed.content, whole.content)
      assert.deepStrictEqual(
        whole.content.map(({ type }) => type),
        content.map(({ type }) => type)
      )
      assert.strictEqual(streamed.stop_reason, "tool_use")
      assert.strictEqual(streamed.usage.server_tool_use?.web_search_requests, 1)
      assert.strictEqual(streamed.usage.output_tokens, whole.usage.output_tokens)
    })
  }

  test("calls the first tool once, with what its schema asks for, and then tells its result", {}, async (sdk) => {
    const request = { model, max_tokens: 500, tools: [weather], messages: [user("Weather?")] }
    const first = await sdk.messages.create(request)
    const call = first.content.at(-1)
    assert(call?.type === "tool_use")
    assert.deepStrictEqual(call.input, { city: "example", unit: "C" })
    assert.strictEqual(first.stop_reason, "tool_use")
    const result = { type: "tool_result" as const, tool_use_id: call.id, content: "21 degrees" }
    const second = await sdk.messages.create({
      ...request,
      messages: [
        ...request.messages,
        { role: "assistant", content: first.content },
        { role: "user", content: [result] }
      ]
    })
    assert.include(JSON.stringify(second.content), "21 degrees")
    assert.strictEqual(second.stop_reason, "end_turn")
  })

  test("respects tool_choice", {}, async (sdk) => {
    const other = { name: "other", input_schema: { type: "object" as const } }
    const request = { model, max_tokens: 500, tools: [weather, other], messages: [user("Weather?")] }
    const none = await sdk.messages.create({ ...request, tool_choice: { type: "none" } })
    assert.strictEqual(none.stop_reason, "end_turn")
    const named = await sdk.messages.create({ ...request, tool_choice: { type: "tool", name: "other" } })
    assert.deepInclude(named.content[0], { type: "tool_use", name: "other" })
  })

  test("thinks where thinking is on, and knows its thinking again", {}, async (sdk) => {
    const request = { model, max_tokens: 2_000, thinking: { type: "enabled" as const, budget_tokens: 1_024 } }
    const first = await sdk.messages.create({ ...request, messages: [user("One")] })
    assert.strictEqual(first.content[0]?.type, "thinking")
    assert.isAbove(first.usage.output_tokens_details?.thinking_tokens ?? 0, 0)
    const history = [user("One"), { role: "assistant" as const, content: first.content }, user("Two")]
    const second = await sdk.messages.create({ ...request, messages: history })
    assert.strictEqual(second.stop_reason, "end_turn")
    const hidden = await sdk.messages
      .stream({ ...request, thinking: { ...request.thinking, display: "omitted" }, messages: history })
      .finalMessage()
    assert.deepInclude(hidden.content[0], { type: "thinking", thinking: "" })
    const third = [...history, { role: "assistant" as const, content: hidden.content }, user("Three")]
    assert.strictEqual((await sdk.messages.create({ ...request, messages: third })).stop_reason, "end_turn")
  })

  test("parses where JSON was asked for", {}, async (sdk) => {
    const parsed = await sdk.messages.parse({
      model,
      max_tokens: 1_000,
      messages: [user("JSON, please")],
      output_config: { format: zodOutputFormat(z.object({ city: z.string(), degrees: z.number() })) }
    })
    assert.deepStrictEqual(parsed.parsed_output, { city: "example", degrees: 1 })
  })

  test("ends at max_tokens and at a stop sequence", {}, async (sdk) => {
    const long = await sdk.messages.create({ model, max_tokens: 5, messages: [user("word ".repeat(50))] })
    assert.strictEqual(long.stop_reason, "max_tokens")
    const stopped = await sdk.messages.create({
      model,
      max_tokens: 500,
      stop_sequences: ["STOP"],
      messages: [user("a STOP b")]
    })
    assert.deepInclude(stopped, { stop_reason: "stop_sequence", stop_sequence: "STOP" })
  })

  test("counts tokens as the message counts them", {}, async (sdk) => {
    const request = { model, messages: [user("How long is this?")], system: "Be short.", tools: [weather] }
    const counted = await sdk.messages.countTokens(request)
    const message = await sdk.messages.create({ ...request, max_tokens: 100 })
    assert.strictEqual(counted.input_tokens, message.usage.input_tokens)
  })

  test(
    "carries what the script says of usage, of the message and of headers",
    {
      headers: { "anthropic-ratelimit-unified-status": "allowed" },
      rules: [
        {
          content: [{ type: "text", text: "x" }],
          stopReason: "refusal",
          stopDetails: { type: "refusal", category: "cyber", explanation: "no" },
          usage: {
            input_tokens: 7,
            output_tokens: 9,
            service_tier: "priority",
            iterations: [{ type: "message" }],
            novel: { a: 1 }
          },
          message: { container: { id: "container_1", expires_at: "2027-01-01T00:00:00Z", skills: null } },
          headers: {
            "anthropic-ratelimit-requests-remaining": "5",
            "x-novel": "yes",
            "anthropic-ratelimit-tokens-limit": null
          }
        }
      ]
    },
    async (sdk) => {
      const { data, response } = await sdk.messages
        .create({ model, max_tokens: 9, messages: [user("Hi")] })
        .withResponse()
      assert.deepInclude(data.usage, { input_tokens: 7, output_tokens: 9, service_tier: "priority" })
      assert.include(JSON.stringify(data.usage), '"iterations":[{"type":"message"}],"novel":{"a":1}')
      assert.deepInclude(data, {
        stop_reason: "refusal",
        container: { id: "container_1", expires_at: "2027-01-01T00:00:00Z", skills: null }
      })
      const header = (name: string) => response.headers.get(name)
      assert.strictEqual(header("anthropic-ratelimit-unified-status"), "allowed")
      assert.strictEqual(header("anthropic-ratelimit-requests-remaining"), "5")
      assert.strictEqual(header("x-novel"), "yes")
      assert.isNull(header("anthropic-ratelimit-tokens-limit"))
      assert.strictEqual(header("anthropic-ratelimit-requests-limit"), "4000")
      assert.match(header("anthropic-ratelimit-output-tokens-reset") ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:00Z$/)
      assert.match(header("anthropic-organization-id") ?? "", /^[0-9a-f-]{36}$/)
      const streamed = await sdk.messages.stream({ model, max_tokens: 9, messages: [user("Hi")] }).finalMessage()
      assert.deepInclude(streamed.usage, { input_tokens: 7, output_tokens: 9, service_tier: "priority" })
    }
  )

  test("is played by the rule in the request's text, as often as it says", {}, async (sdk) => {
    const rule = JSON.stringify({ fail: "overloaded", failFirst: 1, content: [{ type: "text", text: "now" }] })
    const ask = () => sdk.messages.create({ model, max_tokens: 9, messages: [user(`!sim ${rule}`)] })
    assert.instanceOf(await rejected(ask()), OverloadedError)
    assert.deepInclude((await ask()).content[0], { text: "now" })
  })
})

describe("models", () => {
  test("are listed a page at a time, and told one by one", {}, async (sdk) => {
    const ids: Array<string> = []
    for await (const info of sdk.models.list({ limit: 2 })) ids.push(info.id)
    assert.includeMembers(ids, ["claude-sonnet-4-5-20250929", "claude-opus-4-1-20250805", "claude-opus-5-5"])
    assert.strictEqual(new Set(ids).size, ids.length)
    const info = await sdk.models.retrieve("claude-haiku-4-5")
    assert.deepInclude(info, {
      id: "claude-haiku-4-5-20251001",
      line: "haiku",
      lifecycle: "active",
      max_tokens: 64_000
    })
    assert.isTrue(info.capabilities?.thinking.types.enabled.supported)
    assert.instanceOf(await rejected(sdk.models.retrieve("gpt-5")), NotFoundError)
    const before = await sdk.models.list({ limit: 2, before_id: ids.at(-1) ?? "" })
    assert.deepStrictEqual(
      before.data.map(({ id }) => id),
      ids.slice(-3, -1)
    )
  })

  test(
    "are only those an account may use",
    {
      accounts: [{ token: "key-1", models: ["claude-opus-5-5"], organization: "org-1" }, { token: "key-2" }]
    },
    async (sdk, server) => {
      assert.deepStrictEqual(
        (await sdk.models.list()).data.map(({ id }) => id),
        ["claude-opus-5-5"]
      )
      const error = await rejected(sdk.messages.create({ model, max_tokens: 9, messages: [user("Hi")] }))
      assert.instanceOf(error, NotFoundError)
      assert.include(error.message, `model: ${model}`)
      assert.strictEqual(error.headers?.get("anthropic-organization-id"), "org-1")
      const other = clientOf(server, { apiKey: "key-2" })
      assert.strictEqual(
        (await other.messages.create({ model, max_tokens: 9, messages: [user("Hi")] })).type,
        "message"
      )
      const unknown = clientOf(server, { apiKey: "key-3" })
      assert.instanceOf(await rejected(unknown.models.list()), AuthenticationError)
      assert.strictEqual((await Effect.runPromise(server.refused)).length, 2)
    }
  )
})

describe("a failure, as the SDK throws it", () => {
  const failures = [
    ["invalid_request", BadRequestError, 400, "invalid_request_error"],
    ["authentication", AuthenticationError, 401, "authentication_error"],
    ["billing", PaymentRequiredError, 402, "billing_error"],
    ["permission", PermissionDeniedError, 403, "permission_error"],
    ["not_found", NotFoundError, 404, "not_found_error"],
    ["too_large", ContentTooLargeError, 413, "request_too_large"],
    ["rate_limit", RateLimitError, 429, "rate_limit_error"],
    ["internal", InternalServerError, 500, "api_error"],
    ["unavailable", ServiceUnavailableError, 503, "api_error"],
    ["timeout", GatewayTimeoutError, 504, "timeout_error"],
    ["overloaded", OverloadedError, 529, "overloaded_error"],
    ["bad_gateway", InternalServerError, 502, null],
    ["foreign_error", InternalServerError, 500, null],
    ["broken_error", InternalServerError, 500, null],
    ["empty_error", ServiceUnavailableError, 503, null]
  ] as const
  for (const [fail, kind, status, type] of failures) {
    test(`is ${kind.name} for ${fail}, streamed or not`, { rules: [{ fail }] }, async (sdk) => {
      const ask = (stream: boolean) =>
        rejected(sdk.messages.create({ model, max_tokens: 9, messages: [user("Hi")], stream }))
      for (const error of await Promise.all([ask(false), ask(true)])) {
        assert(error instanceof kind)
        assert.deepStrictEqual([error.status, error.type], [status, type])
        assert.match(error.requestID ?? "", /^req_sim/)
      }
    })
  }

  test(
    "says when to try again, where it says so",
    {
      rules: [
        { fail: "rate_limit", retryAfter: 7, times: 1 },
        { fail: "rate_limit_silent", times: 1 },
        { fail: { status: 429, type: "rate_limit_error", message: "m", headers: { "retry-after-ms": "20" } } }
      ]
    },
    async (sdk) => {
      const ask = async () => await rejected(sdk.messages.create({ model, max_tokens: 9, messages: [user("Hi")] }))
      const [first, second, third] = [await ask(), await ask(), await ask()]
      assert(first instanceof APIError && second instanceof APIError && third instanceof APIError)
      assert.strictEqual(first.headers?.get("retry-after"), "7")
      assert.isNull(second.headers?.get("retry-after"))
      assert.strictEqual(third.headers?.get("retry-after-ms"), "20")
    }
  )

  test("before the headers is a lost connection", { rules: [{ fail: "network" }] }, async (sdk, server) => {
    const error = await rejected(sdk.messages.create({ model, max_tokens: 9, messages: [user("Hi")] }))
    assert.instanceOf(error, APIConnectionError)
    assert.deepInclude((await Effect.runPromise(server.requests))[0], { status: null, ending: "cut" })
  })

  test(
    "in the middle of a stream is the error event, after what came before",
    {
      rules: [
        {
          content: [{ type: "text", text: "so far" }],
          error: { type: "overloaded_error", message: "Overloaded", events: 4 }
        }
      ]
    },
    async (sdk) => {
      const stream = sdk.messages.stream({ model, max_tokens: 9, messages: [user("Hi")] })
      const texts: Array<string> = []
      stream.on("text", (text) => texts.push(text))
      const error = await rejected(stream.finalMessage())
      assert(error instanceof APIError)
      assert.strictEqual(error.type, "overloaded_error")
      assert.deepStrictEqual(texts, ["so far"])
    }
  )

  test("is a lost stream where the script cuts it", { rules: [{ cut: { events: 3 } }] }, async (sdk, server) => {
    assert.isDefined(
      await rejected(sdk.messages.stream({ model, max_tokens: 9, messages: [user("Hi")] }).finalMessage())
    )
    assert.deepInclude((await Effect.runPromise(server.requests))[0], { status: 200, ending: "cut", usage: null })
  })

  for (const [what, rule] of [
    ["before the headers", { fail: "header_timeout" }],
    ["in mid-stream", { stall: { events: 3 } }]
  ] as const) {
    test(`is silence ${what} until the client goes away`, { rules: [rule] }, async (sdk, server) => {
      const stream = sdk.messages.stream({ model, max_tokens: 9, messages: [user("Hi")] })
      const ended = rejected(stream.finalMessage())
      await until(server.openStreams, (open) => open === 1)
      assert.deepStrictEqual(await Effect.runPromise(server.gauge("key-1")), { live: 1, maximum: 1, total: 1 })
      stream.abort()
      assert.isDefined(await ended)
      await until(server.openStreams, (open) => open === 0)
      assert.strictEqual((await Effect.runPromise(server.requests))[0]?.ending, "disconnected")
    })
  }
})
