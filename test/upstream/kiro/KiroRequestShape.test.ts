/** Whatever a client may send is refused by name, or becomes a body that AWS's client and service would take. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { validateMessagesRequest } from "../../../src/message/MessagesRequest.ts"
import { convertRequest, encodeRequest } from "../../../src/upstream/kiro/KiroRequest.ts"
import { checkBody } from "../../support/AwsModel.ts"
import { attempt, options } from "../../support/KiroConversion.ts"

const block = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), ...fields })

const Text = Schema.Literals(["", " ", "hi", "\ud800x", "<thinking>", "a\nb", "\0", "x".repeat(300)])
const Id = Schema.Literals(["t1", "t2", "t3", "T1", "bad id!", "x".repeat(100), "srvtoolu_1"])
const Name = Schema.Literals(["Bash", "bash", "BASH", `mcp__${"z".repeat(70)}`, "läs", "web_search", "a b"])
const Input = Schema.Union([
  Schema.Struct({ a: Schema.Int }),
  Schema.NullOr(Schema.Literals(["text", 5, "\udc00"])),
  Schema.Array(Schema.Int)
])
/** Bytes that are none are drawn seldom, so that most requests are converted. */
const good = Array.from({ length: 12 }, (_, n) => Buffer.from("x".repeat(n + 1)).toString("base64"))
const Bytes = Schema.Literals([...good, ...good, ...good, "aGk", "%%%", "aGVsbG8_", ""])
const cached = { cache_control: Schema.optionalKey(Schema.Struct({ type: Schema.Literal("ephemeral") })) }
const Paragraph = block("text", { text: Text, ...cached })
const pictures = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const
const Image = block("image", {
  source: block("base64", {
    media_type: Schema.Literals([...pictures, ...pictures, ...pictures, "image/tiff"]),
    data: Bytes
  })
})
const Document = block("document", {
  title: Schema.NullOr(Schema.Literals(["A", "", "ü.pdf", "a  b", "x".repeat(300)])),
  source: Schema.Union([
    block("text", { media_type: Schema.Literal("text/plain"), data: Text }),
    block("base64", { media_type: Schema.Literals(["application/pdf", "text/csv"]), data: Bytes }),
    block("content", { content: Schema.Union([Text, Schema.Array(Schema.Union([Paragraph, Image]))]) })
  ])
})
const ToolUse = block("tool_use", { id: Id, name: Name, input: Input })
const ToolResult = block("tool_result", {
  tool_use_id: Id,
  content: Schema.Union([
    Text,
    Schema.Array(
      Schema.Union([Paragraph, Image, Document, block("tool_reference", { tool_name: Schema.Literal("x") })])
    )
  ]),
  is_error: Schema.Boolean
})
const Content = Schema.Union([
  Paragraph,
  Image,
  Document,
  ToolUse,
  ToolResult,
  block("thinking", { thinking: Text, signature: Schema.Literals(["", "sig"]) }),
  block("redacted_thinking", { data: Bytes }),
  block("server_tool_use", { id: Id, name: Name, input: Input }),
  block("web_search_tool_result", {
    tool_use_id: Id,
    content: Schema.Array(
      block("web_search_result", { title: Text, url: Text, encrypted_content: Bytes, page_age: Schema.Null })
    )
  }),
  block("of_the_future", { a: Text })
])
const Messages = Schema.NonEmptyArray(
  Schema.Struct({
    role: Schema.Literals(["user", "assistant", "system"]),
    content: Schema.Union([Text, Schema.Array(Content)])
  })
)
const Own = Schema.Struct({
  description: Text,
  input_schema: Schema.Union([
    Schema.Struct({ type: Schema.Literals(["object", "string"]), required: Schema.Array(Schema.Literals(["a", 1])) }),
    Schema.Struct({})
  ])
})
const Typed = Schema.Struct({
  type: Schema.Literals([
    "web_search_20250305",
    "bash_20250124",
    "text_editor_20250728",
    "memory_20250818",
    "of_the_future"
  ])
})
/** Names are given afterwards, each only once. */
const Tools = Schema.Array(Schema.Union([Own, Own, Typed]))
const names = ["Bash", `mcp__${"z".repeat(70)}`, "läs", "web_search", "a b", "x".repeat(64)]

/** Whatever else a client may ask for. */
const More = Schema.Struct({
  thinking: Schema.optionalKey(
    Schema.Struct({
      type: Schema.Literals(["enabled", "adaptive", "disabled", "between_tools"]),
      budget_tokens: Schema.Int
    })
  ),
  tool_choice: Schema.optionalKey(
    Schema.Struct({ type: Schema.Literals(["auto", "any", "none"]), disable_parallel_tool_use: Schema.Boolean })
  ),
  output_config: Schema.optionalKey(
    Schema.Struct({ format: block("json_schema", { schema: Schema.Struct({ type: Schema.Literal("object") }) }) })
  ),
  system: Schema.optionalKey(Schema.Union([Text, Schema.Array(Paragraph)]))
})

describe("a conversion", () => {
  const seen = { converted: 0, refused: 0 }
  it.prop(
    "is refused by name, or is what AWS takes",
    [
      Messages,
      Tools,
      More,
      Schema.Literals(["native", "text"]),
      Schema.Literals(["native", "native", "text"]),
      Schema.Boolean
    ],
    ([messages, drawn, more, reasoning, documents, externalIdp]) => {
      const tools = drawn.slice(0, names.length).map((tool, index) => ({ ...tool, name: names[index] }))
      const request = Result.getOrThrowWith(
        validateMessagesRequest({ model: "claude-sonnet-4-5", max_tokens: 9, messages, tools, ...more }),
        ({ path, problem }) => new Error(`${path}: ${problem}`)
      )
      const converted = convertRequest(request, {
        ...options,
        reasoning,
        documents,
        webSearch: externalIdp,
        cachePoints: externalIdp ? 2 : 9
      })
      if (Result.isFailure(converted)) {
        seen.refused++
        assert.match(converted.failure.path, /^(messages\.\d+|tools\.\d+)\./)
        return
      }
      seen.converted++
      const body = encodeRequest(converted.success, { ...attempt, externalIdp })
      assert.isTrue(body.isWellFormed())
      assert.deepStrictEqual(checkBody(JSON.parse(body)), [])
    },
    { arbitrary: { runs: 3000 } }
  )

  it("was not mostly refused above", () => {
    assert.isAbove(seen.converted, seen.refused)
  })
})
