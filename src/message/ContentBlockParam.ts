/**
 * The content blocks a client may send.
 *
 * Blocks that Weir acts on are described member by member; any other block needs only a `type`. Members that are not
 * named here are kept as they came: a proxy that drops what it does not know breaks clients within weeks.
 *
 * **Source:** Anthropic Messages API, `messages[].content`.
 */
import { Schema } from "effect"

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** A cache breakpoint after the block that carries it. */
export const CacheControl = Schema.Struct({
  type: Schema.Literal("ephemeral"),
  ttl: optional(Schema.Literals(["5m", "1h"]))
})
export type CacheControl = typeof CacheControl.Type

const cached = { cache_control: optional(CacheControl) }

export const TextBlockParam = Schema.Struct({
  type: Schema.Literal("text"),
  text: Schema.String,
  ...cached
})

const Base64Source = Schema.Struct({
  type: Schema.Literal("base64"),
  media_type: Schema.String,
  data: Schema.String
})
const UrlSource = Schema.Struct({ type: Schema.Literal("url"), url: Schema.String })
const FileSource = Schema.Struct({ type: Schema.Literal("file"), file_id: Schema.String })

export const ImageBlockParam = Schema.Struct({
  type: Schema.Literal("image"),
  source: Schema.Union([Base64Source, UrlSource, FileSource]),
  ...cached
})

const PlainTextSource = Schema.Struct({
  type: Schema.Literal("text"),
  media_type: Schema.String,
  data: Schema.String
})
const ContentSource = Schema.Struct({
  type: Schema.Literal("content"),
  content: Schema.Union([Schema.String, Schema.Array(Schema.Union([TextBlockParam, ImageBlockParam]))])
})

export const DocumentBlockParam = Schema.Struct({
  type: Schema.Literal("document"),
  source: Schema.Union([Base64Source, PlainTextSource, ContentSource, UrlSource, FileSource]),
  title: optional(Schema.String),
  context: optional(Schema.String),
  ...cached
})

export const SearchResultBlockParam = Schema.Struct({
  type: Schema.Literal("search_result"),
  source: Schema.String,
  title: Schema.String,
  content: Schema.Array(TextBlockParam),
  ...cached
})

export const ThinkingBlockParam = Schema.Struct({
  type: Schema.Literal("thinking"),
  thinking: Schema.String,
  signature: optional(Schema.String)
})

export const RedactedThinkingBlockParam = Schema.Struct({
  type: Schema.Literal("redacted_thinking"),
  data: Schema.String
})

export const ToolUseBlockParam = Schema.Struct({
  type: Schema.Literal("tool_use"),
  id: Schema.NonEmptyString,
  name: Schema.NonEmptyString,
  input: Schema.Unknown,
  ...cached
})

export const ServerToolUseBlockParam = Schema.Struct({
  type: Schema.Literal("server_tool_use"),
  id: Schema.NonEmptyString,
  name: Schema.NonEmptyString,
  input: Schema.Unknown,
  ...cached
})

const WebSearchResultParam = Schema.Struct({
  type: Schema.Literal("web_search_result"),
  title: Schema.String,
  url: Schema.String,
  encrypted_content: Schema.String,
  page_age: optional(Schema.String)
})
const WebSearchErrorParam = Schema.Struct({
  type: Schema.Literal("web_search_tool_result_error"),
  error_code: Schema.String
})

export const WebSearchToolResultBlockParam = Schema.Struct({
  type: Schema.Literal("web_search_tool_result"),
  tool_use_id: Schema.NonEmptyString,
  content: Schema.Union([Schema.Array(WebSearchResultParam), WebSearchErrorParam]),
  ...cached
})

/** Types whose members are described; `KnownBlock.ts` narrows by them. */
export const knownTypes: ReadonlySet<string> = new Set([
  "text",
  "image",
  "document",
  "search_result",
  "thinking",
  "redacted_thinking",
  "tool_use",
  "tool_result",
  "server_tool_use",
  "web_search_tool_result"
])

/** A block of a type that Weir does not act on: kept whole, never refused. */
export const OtherBlockParam = Schema.Struct({
  type: Schema.String.check(
    Schema.makeFilter((type: string) => !knownTypes.has(type), { expected: "a content block of this type" })
  )
})

export const ToolResultContentParam = Schema.Union([
  TextBlockParam,
  ImageBlockParam,
  DocumentBlockParam,
  SearchResultBlockParam,
  OtherBlockParam
])
export type ToolResultContentParam = typeof ToolResultContentParam.Type

export const ToolResultBlockParam = Schema.Struct({
  type: Schema.Literal("tool_result"),
  tool_use_id: Schema.NonEmptyString,
  content: optional(Schema.Union([Schema.String, Schema.Array(ToolResultContentParam)])),
  is_error: optional(Schema.Boolean),
  ...cached
})
export type ToolResultBlockParam = typeof ToolResultBlockParam.Type

/** Any content block of a request. */
export const ContentBlockParam = Schema.Union([
  TextBlockParam,
  ToolUseBlockParam,
  ToolResultBlockParam,
  ThinkingBlockParam,
  RedactedThinkingBlockParam,
  ImageBlockParam,
  DocumentBlockParam,
  SearchResultBlockParam,
  ServerToolUseBlockParam,
  WebSearchToolResultBlockParam,
  OtherBlockParam
])
export type ContentBlockParam = typeof ContentBlockParam.Type
