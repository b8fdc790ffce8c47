/**
 * The request of `POST /v1/messages` and `/v1/messages/count_tokens`.
 *
 * Every documented member is named, those that are acted on with their shape; members that are not named are kept, never
 * refused.
 *
 * **Source:** Anthropic Messages API.
 */
import { Result, Schema, SchemaIssue } from "effect"
import { CacheControl, ContentBlockParam, TextBlockParam } from "./ContentBlockParam.ts"

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** One turn. `system` inside `messages` is an instruction given mid-conversation. */
export const MessageParam = Schema.Struct({
  role: Schema.Literals(["user", "assistant", "system"]),
  content: Schema.Union([Schema.String, Schema.Array(ContentBlockParam)]),
  /** How much the model should think from here on. */
  output_config: optional(Schema.Struct({ effort: optional(Schema.Unknown) }))
})
export type MessageParam = typeof MessageParam.Type

/** Hosts that a server's tool may use, or may not. */
const Domains = Schema.Array(Schema.NonEmptyString)

/** A tool: the client's own where `type` is absent or `custom`, else one the server runs. */
export const ToolParam = Schema.Struct({
  name: Schema.NonEmptyString,
  type: optional(Schema.String),
  description: optional(Schema.String),
  input_schema: optional(Schema.Unknown),
  max_uses: optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  allowed_domains: optional(Domains),
  blocked_domains: optional(Domains),
  defer_loading: optional(Schema.Boolean),
  strict: optional(Schema.Boolean),
  eager_input_streaming: optional(Schema.Boolean),
  cache_control: optional(CacheControl)
}).check(
  Schema.makeFilter(({ allowed_domains, blocked_domains }) =>
    allowed_domains != null && blocked_domains != null
      ? { path: ["blocked_domains"], issue: "cannot stand beside allowed_domains" }
      : undefined
  )
)
export type ToolParam = typeof ToolParam.Type

/** Tools that carry no name, such as an MCP toolset: kept, and offered to no upstream that lacks them. */
export const OtherToolParam = Schema.Struct({ type: Schema.String, name: Schema.optionalKey(Schema.Never) })

export const ToolChoice = Schema.Struct({
  type: Schema.Literals(["auto", "any", "tool", "none"]),
  name: optional(Schema.String),
  disable_parallel_tool_use: optional(Schema.Boolean)
})
export type ToolChoice = typeof ToolChoice.Type

export const ThinkingConfig = Schema.Struct({
  type: Schema.String,
  budget_tokens: optional(Schema.Int),
  display: optional(Schema.String),
  block_binding: optional(Schema.Unknown)
})
export type ThinkingConfig = typeof ThinkingConfig.Type

const OutputFormat = Schema.Struct({ type: Schema.String, schema: optional(Schema.Unknown) })

export const OutputConfig = Schema.Struct({
  effort: optional(Schema.String),
  format: optional(OutputFormat)
})

export const Thread = Schema.Struct({
  type: Schema.String,
  previous_message_id: optional(Schema.String)
})

const common = {
  model: Schema.String.check(Schema.isPattern(/\S/, { expected: "a model's name" })),
  messages: Schema.NonEmptyArray(MessageParam),
  system: optional(Schema.Union([Schema.String, Schema.Array(TextBlockParam)])),
  tools: optional(Schema.Array(Schema.Union([ToolParam, OtherToolParam]))),
  tool_choice: optional(ToolChoice),
  thinking: optional(ThinkingConfig),
  cache_control: optional(CacheControl),
  output_config: optional(OutputConfig),
  /** The earlier name of `output_config.format`, which clients of the beta still send. */
  output_format: optional(OutputFormat),
  thread: optional(Thread),
  mcp_servers: optional(Schema.Array(Schema.Unknown)),
  context_management: optional(Schema.Unknown)
}

export const MessagesRequest = Schema.Struct({
  ...common,
  max_tokens: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  stream: optional(Schema.Boolean),
  stop_sequences: optional(Schema.Array(Schema.String)),
  temperature: optional(Schema.Number),
  top_p: optional(Schema.Number),
  top_k: optional(Schema.Number),
  metadata: optional(Schema.Struct({ user_id: optional(Schema.String) })),
  service_tier: optional(Schema.String),
  container: optional(Schema.Unknown),
  inference_geo: optional(Schema.Unknown),
  speed: optional(Schema.Unknown),
  diagnostics: optional(Schema.Unknown),
  fallbacks: optional(Schema.Unknown),
  safeguards: optional(Schema.Unknown),
  user_profile_id: optional(Schema.Unknown)
})
export type MessagesRequest = typeof MessagesRequest.Type

export const CountTokensRequest = Schema.Struct(common)
export type CountTokensRequest = typeof CountTokensRequest.Type

/** The form that the client wants the final answer in, under either of its names. */
export const outputFormat = ({ output_config, output_format }: CountTokensRequest) =>
  output_config?.format ?? output_format ?? null

/** Why a body is not a request: which member, and what is wrong there. */
export interface InvalidMember {
  /** Path of the member as a client would write it, e.g. `messages.0.content`; empty for the body itself. */
  readonly path: string
  readonly problem: string
}

/**
 * A validator that returns the very value it was given, so that unknown members survive and nothing is copied.
 *
 * @param schema one without transformations: its decoded and encoded forms are the same
 */
const validate = <S extends Schema.Top & { readonly DecodingServices: never }>(schema: S) => {
  const is = Schema.is(schema)
  const explain = Schema.decodeUnknownResult(schema)
  return (value: unknown): Result.Result<S["Type"], InvalidMember> => {
    if (is(value)) return Result.succeed(value)
    const refused = explain(value)
    return Result.fail(
      Result.isFailure(refused) ? firstIssue(refused.failure) : { path: "", problem: "not a valid value" }
    )
  }
}

const firstIssue = (error: Schema.SchemaError): InvalidMember => {
  const issue = toIssues(error.issue).issues[0]
  const path = (issue?.path ?? []).map((part) => (typeof part === "object" ? part.key : part))
  // What is missing at the first place of a list is the list's content.
  if (path.at(-1) === 0 && issue?.message === "Missing key") {
    return { path: path.slice(0, -1).join("."), problem: "must not be empty" }
  }
  const problem = issue?.message ?? "not a valid value"
  // A type's own words tell a client nothing.
  return { path: path.map(String).join("."), problem: problem.includes("readonly ") ? "not of a known form" : problem }
}

const toIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** Validates a parsed body of `POST /v1/messages`. */
export const validateMessagesRequest = validate(MessagesRequest)

/** Validates a parsed body of `POST /v1/messages/count_tokens`. */
export const validateCountTokensRequest = validate(CountTokensRequest)
