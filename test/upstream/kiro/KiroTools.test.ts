import { assert, describe, it } from "@effect/vitest"
import { bodyOf, converted, linesIn, refusalOf } from "../../support/KiroConversion.ts"

const messages = [{ role: "user", content: "hi" }]
const toolsIn = (members: object, webSearch = true) =>
  (
    bodyOf(converted({ messages, ...members }, { webSearch })).conversationState.currentMessage.userInputMessage
      .userInputMessageContext?.tools ?? []
  ).map((tool) => tool.toolSpecification)
const offered = (...tools: ReadonlyArray<unknown>) => toolsIn({ tools })
const tool = (members: object) => ({ name: "Read", description: "Reads", input_schema: { type: "object" }, ...members })
const called = (name: string, id = "t1") => [
  { role: "user", content: "hi" },
  { role: "assistant", content: [{ type: "tool_use", id, name, input: {} }] },
  { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: "x" }] }
]

describe("a tool", () => {
  it("stands on the current message only, whatever else the client says of it", () => {
    const mark = {
      cache_control: { type: "ephemeral" },
      defer_loading: true,
      strict: true,
      eager_input_streaming: true
    }
    const body = bodyOf(converted({ messages: called("Read"), tools: [tool(mark)] }))
    const { currentMessage, history } = body.conversationState
    assert.deepStrictEqual(
      currentMessage.userInputMessage.userInputMessageContext?.tools?.map((each) => each.toolSpecification),
      [
        {
          name: "Read",
          description: "Reads",
          inputSchema: { json: { type: "object", properties: {}, required: [], additionalProperties: true } }
        }
      ]
    )
    assert.isTrue(history?.every((said) => said.userInputMessage?.userInputMessageContext?.tools === undefined))
  })

  it("without a description is described by its name", () => {
    for (const description of ["", "  ", null]) {
      assert.strictEqual(offered(tool({ description }))[0]?.description, "Read")
    }
  })

  it("whose description is too long has the rest of it in the system prompt", () => {
    const description = `${"a".repeat(9_965)}😀${"b".repeat(3_000)}`
    const members = { messages, system: "Be nice", tools: [tool({ description })] }
    const shown = toolsIn(members)[0]?.description ?? ""
    const [system] = linesIn(members)
    assert.isAtMost(shown.length, 10_000)
    assert.match(shown, /a \(Continued in the system prompt\.\)$/)
    assert.match(system ?? "", /^user: Be nice\n\n\[description of the tool Read, continued\]\n😀b{3000}$/)
    assert.strictEqual(offered(tool({ description: "c".repeat(10_000) }))[0]?.description.length, 10_000)
  })

  it("has the top level of its schema repaired and the rest of it untouched", () => {
    const schema = (input_schema: unknown) => offered(tool({ input_schema }))[0]?.inputSchema.json
    const open = { type: "object", properties: {}, required: [], additionalProperties: true }
    assert.deepStrictEqual(schema(undefined), open)
    assert.deepStrictEqual(schema("x"), open)
    assert.deepStrictEqual(schema({ type: 3, properties: [], required: null, additionalProperties: null }), open)
    const good = {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      properties: { a: { type: ["string", "null"], required: "odd" } },
      required: ["a"],
      additionalProperties: false
    }
    assert.deepStrictEqual(schema(good), good)
    assert.deepStrictEqual(schema({ ...good, required: ["a", 1, null] }), good)
  })

  it("that occurs twice is refused by its place", () => {
    assert.deepStrictEqual(refusalOf({ messages, tools: [tool({}), tool({})] }), {
      path: "tools.1.name",
      message: "tool names must be unique"
    })
  })

  it("whose name had to change leads back to the client's", () => {
    const name = "mcp__some_very_long_server_name__some_very_long_tool_name_that_exceeds_limit"
    const request = converted({ messages: called(name), tools: [tool({ name }), tool({ name: "read" }), tool({})] })
    const { history } = bodyOf(request).conversationState
    const sent = history?.[1]?.assistantResponseMessage?.toolUses?.[0]?.name ?? ""
    assert.strictEqual(sent, "mcp__some_very_long_server_name__some_very_long_tool_n_23b8a7e4")
    assert.deepStrictEqual([...request.toolNames.values()], [name, "read", "Read"])
    assert.strictEqual(request.toolNames.get(sent), name)
  })

  it("that only earlier calls mention gets a placeholder", () => {
    const tools = toolsIn({ messages: called("Gone"), tools: [tool({})] })
    assert.deepStrictEqual(
      tools.map((each) => each.name),
      ["Read", "Gone"]
    )
    assert.match(tools[1]?.description ?? "", /no longer available/)
    assert.deepStrictEqual(
      toolsIn({ messages: called("Gone") }).map((each) => each.name),
      ["Gone"]
    )
  })

  it("that an earlier call writes in another case needs none", () => {
    assert.deepStrictEqual(
      toolsIn({ messages: called("READ"), tools: [tool({})] }).map((each) => each.name),
      ["Read"]
    )
  })
})

describe("a tool that is named by its type", () => {
  const properties = (type: string, name: string, more: object = {}) =>
    Object.keys(offered({ type, name, ...more })[0]?.inputSchema.json["properties"] ?? {})

  it("has the inputs that Anthropic documents if the client runs it", () => {
    assert.deepStrictEqual(properties("bash_20250124", "bash"), ["command", "restart"])
    assert.include(properties("text_editor_20250728", "str_replace_based_edit_tool"), "insert_text")
    assert.notInclude(properties("text_editor_20250124", "str_replace_editor"), "insert_text")
    assert.include(properties("memory_20250818", "memory"), "old_path")
    assert.include(properties("computer_20251124", "computer"), "coordinate")
    const [computer] = offered({
      type: "computer_20250124",
      name: "computer",
      display_width_px: 800,
      display_height_px: 600
    })
    assert.include(computer?.description, "800 pixels wide and 600 high")
  })

  it("is an ordinary tool that the gateway runs if it searches the web", () => {
    const tools = [tool({}), { type: "web_search_20250305", name: "web_search", max_uses: 8 }]
    const request = converted({ messages, tools })
    assert.deepStrictEqual([...request.serverTools], ["web_search"])
    assert.deepStrictEqual(Object.keys(toolsIn({ tools })[1]?.inputSchema.json["properties"] ?? {}), ["query"])
    assert.deepStrictEqual(
      toolsIn({ tools }, false).map((each) => each.name),
      ["Read"]
    )
  })

  it("is not one that the gateway runs if it is the client's own web_search", () => {
    const request = converted({ messages, tools: [tool({ name: "web_search" })] })
    assert.strictEqual(request.serverTools.size, 0)
  })

  it("is left out and refuses nothing if it runs at Anthropic's", () => {
    const tools = [
      { type: "code_execution_20250825", name: "code_execution" },
      { type: "web_fetch_20250910", name: "web_fetch" },
      { type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" },
      { type: "mcp_toolset", mcp_server_name: "s" },
      { type: "something_20300101", name: "something" },
      tool({ type: "custom" })
    ]
    assert.deepStrictEqual(
      toolsIn({ tools }).map((each) => each.name),
      ["Read"]
    )
  })

  it("is an ordinary tool if it brings a schema of its own", () => {
    const [future] = offered({ type: "browser_20300101", name: "browser", input_schema: { properties: { url: {} } } })
    assert.deepStrictEqual(Object.keys(future?.inputSchema.json["properties"] ?? {}), ["url"])
  })
})

describe("tool_choice", () => {
  const said = (tool_choice: object, members: object = {}) =>
    linesIn({ messages, tools: [tool({})], tool_choice, ...members }).at(-1)

  it("is said before the current message", () => {
    assert.strictEqual(said({ type: "auto" }), "user: hi")
    assert.match(said({ type: "any" }) ?? "", /^user: You must call at least one of the tools now.*\n\nhi$/)
    assert.match(said({ type: "any", disable_parallel_tool_use: true }) ?? "", /exactly one of the tools/)
    assert.match(said({ type: "tool", name: "Read" }) ?? "", /^user: You must call the tool Read now.*\n\nhi$/)
    assert.match(
      said({ type: "auto", disable_parallel_tool_use: true }) ?? "",
      /^user: Call at most one tool now\.\n\nhi$/
    )
  })

  it("names the tool as it is sent", () => {
    const name = "x".repeat(70)
    const line = said({ type: "tool", name }, { tools: [tool({ name })] })
    assert.match(line ?? "", new RegExp(`the tool ${"x".repeat(54)}_[0-9a-f]{8} now`))
  })

  it("stands alone where the current message only answers calls", () => {
    const line = said({ type: "any" }, { messages: called("Read") })
    assert.match(line ?? "", /^user: You must call at least one of the tools now, before any answer in words\.$/)
  })

  it("of none offers no tools, unless earlier calls need their definitions", () => {
    const none = { tools: [tool({})], tool_choice: { type: "none" } }
    assert.deepStrictEqual(toolsIn(none), [])
    assert.deepStrictEqual(linesIn({ messages, ...none }), ["user: hi"])
    assert.deepStrictEqual(
      toolsIn({ ...none, messages: called("Read") }).map((each) => each.name),
      ["Read"]
    )
    assert.strictEqual(
      said({ type: "none" }, { messages: called("Read") }),
      "user: Do not call any tool now. Answer in words."
    )
  })

  it("of a tool that is not offered is refused", () => {
    assert.strictEqual(
      refusalOf({ messages, tools: [tool({})], tool_choice: { type: "tool", name: "Write" } }).path,
      "tool_choice.name"
    )
    assert.strictEqual(refusalOf({ messages, tool_choice: { type: "tool" } }).path, "tool_choice.name")
    assert.strictEqual(
      refusalOf({
        messages,
        tools: [{ type: "web_fetch_20250910", name: "web_fetch" }],
        tool_choice: { type: "tool", name: "web_fetch" }
      }).path,
      "tool_choice.name"
    )
  })

  it("is not said where there are no tools", () => {
    assert.deepStrictEqual(linesIn({ messages, tool_choice: { type: "any" } }), ["user: hi"])
  })
})
