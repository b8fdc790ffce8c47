import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { validateCountTokensRequest, validateMessagesRequest } from "../../src/message/MessagesRequest.ts"

const minimal = { model: "claude-sonnet-4-5", max_tokens: 1, messages: [{ role: "user", content: "Hi" }] }

const accepted = (body: unknown): unknown => {
  const result = validateMessagesRequest(body)
  if (Result.isFailure(result)) throw new Error(`${result.failure.path}: ${result.failure.problem}`)
  return result.success
}
const refusedAt = (body: unknown) => Result.getOrThrow(Result.flip(validateMessagesRequest(body))).path

const withBlocks = (...content: ReadonlyArray<unknown>) => ({ ...minimal, messages: [{ role: "user", content }] })

/** As Claude Code sends it, shortened. */
const claudeCode = {
  model: "claude-opus-5-5",
  max_tokens: 128_000,
  stream: true,
  system: [
    { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.330.abc; cc_entrypoint=cli;" },
    { type: "text", text: "You are Claude Code.", cache_control: { type: "ephemeral", ttl: "1h" } }
  ],
  messages: [
    { role: "user", content: [{ type: "text", text: "<system-reminder>…</system-reminder>" }] },
    { role: "system", content: "Be brief.", output_config: { effort: "high" } },
    { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } }] },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "toolu_1",
          content: [{ type: "text", text: "a" }],
          cache_control: { type: "ephemeral" }
        }
      ]
    }
  ],
  tools: [
    { name: "Bash", description: "Run", input_schema: { type: "object" } },
    { name: "DeferredToolPlaceholder", input_schema: {}, defer_loading: true },
    { type: "web_search_20250305", name: "web_search", max_uses: 8 },
    { type: "mcp_toolset", mcp_server_name: "x" }
  ],
  tool_choice: { type: "auto", disable_parallel_tool_use: true },
  thinking: { type: "adaptive", display: "omitted", block_binding: { prefix_mismatch_behavior: "drop_block" } },
  output_config: { effort: "xhigh", format: { type: "json_schema", schema: {} } },
  context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
  cache_control: { type: "ephemeral" },
  metadata: { user_id: '{"session_id":"x"}' },
  thread: { type: "create" },
  safeguards: [{ type: "dangerous_tool_use" }],
  speed: "fast"
}

describe("a request", () => {
  it("is the very object that came, unknown members included", () => {
    assert.isTrue(Object.is(accepted(claudeCode), claudeCode))
  })

  it.prop("is never refused for a member that nobody knows", [Schema.String, Schema.Json], ([name, value]) => {
    const known = ["model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking", "cache_control"]
    const member = known.includes(name) || name in claudeCode ? `x_${name}` : `y_${name}`
    const body = { ...minimal, [member]: value }
    assert.isTrue(Object.is(accepted(body), body))
  })

  it("may hold blocks of any type, and each known one", () => {
    const blocks = [
      { type: "text", text: "" },
      { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "aa" } },
      {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "x" },
        title: null,
        citations: { enabled: true }
      },
      { type: "document", source: { type: "content", content: [{ type: "text", text: "x" }] } },
      { type: "search_result", source: "s", title: "t", content: [{ type: "text", text: "x" }] },
      { type: "thinking", thinking: "", signature: "" },
      { type: "redacted_thinking", data: "x" },
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "x" } },
      {
        type: "web_search_tool_result",
        tool_use_id: "srvtoolu_1",
        content: { type: "web_search_tool_result_error", error_code: "unavailable" }
      },
      { type: "tool_result", tool_use_id: "toolu_1", content: null, is_error: true },
      { type: "tomorrow", anything: [1, { deep: true }] }
    ]
    const body = withBlocks(...blocks)
    assert.isTrue(Object.is(accepted(body), body))
  })

  it("that is wrong is refused with the path of what is wrong", () => {
    const cases: ReadonlyArray<readonly [path: string, body: unknown]> = [
      ["", []],
      ["", null],
      ["model", { ...minimal, model: undefined }],
      ["messages.0.content.0", { ...minimal, messages: [{ role: "user", content: [[{ type: "text" }]] }] }],
      ["model", { ...minimal, model: "" }],
      ["model", { ...minimal, model: " \n" }],
      ["max_tokens", { ...minimal, max_tokens: 0 }],
      ["max_tokens", { ...minimal, max_tokens: "1" }],
      ["messages", { ...minimal, messages: [] }],
      ["messages.0.role", { ...minimal, messages: [{ role: "robot", content: "x" }] }],
      ["stop_sequences.1", { ...minimal, stop_sequences: ["a", 2] }],
      ["tool_choice.type", { ...minimal, tool_choice: { type: "maybe" } }],
      ["stream", { ...minimal, stream: "yes" }]
    ]
    for (const [path, body] of cases) assert.strictEqual(refusedAt(body), path)
  })

  it("names the block that is wrong, however many forms a block may have", () => {
    const cases: ReadonlyArray<readonly [path: string, block: unknown]> = [
      ["messages.0.content.1.text", { type: "text" }],
      ["messages.0.content.1.source", { type: "image" }],
      ["messages.0.content.1.tool_use_id", { type: "tool_result", content: "x" }],
      ["messages.0.content.1.type", { text: "no type" }]
    ]
    for (const [path, block] of cases) {
      assert.strictEqual(refusedAt(withBlocks({ type: "text", text: "fine" }, block)), path)
    }
  })

  it("to count needs no max_tokens", () => {
    const { max_tokens: _, ...body } = minimal
    assert.isTrue(Result.isSuccess(validateCountTokensRequest(body)))
    assert.strictEqual(refusedAt(body), "max_tokens")
  })
})
