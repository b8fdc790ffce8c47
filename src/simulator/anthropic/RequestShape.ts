/**
 * RequestShape: the body of `POST /v1/messages` and of `count_tokens`, member by member.
 *
 * A member that nobody knows is refused. A member that a beta brings is taken where the request names that beta, or, for
 * betas whose name the member does not tell, any beta.
 *
 * **Source:** `MessageCreateParams` and `MessageCountTokensParams`, beta and not, of `@anthropic-ai/sdk` 1.12; what
 * Claude Code 2.1.330 sends beyond them.
 */
import { cacheControl, contentShape, systemContentShape, systemText } from "./BlockShape.ts"
import {
  anything,
  flag,
  integer,
  isObject,
  list,
  type Members,
  nullable,
  object,
  oneOf,
  openObject,
  pattern,
  type Shape,
  tagged,
  text,
  textOr,
  within
} from "./Shape.ts"

/** Members that need a beta, and the beginnings of the names of those that bring them; none: any does. */
const betaMembers: Readonly<Record<string, readonly [shape: Shape, ...betas: ReadonlyArray<string>]>> = {
  thread: [
    nullable(
      tagged({
        create: object({ type: text }),
        continue: object({ type: text, previous_message_id: text })
      })
    ),
    "message-threads-"
  ],
  context_management: [
    nullable(object({}, { edits: list(openObject({ type: text })) })),
    "context-management-",
    "compact-"
  ],
  safeguards: [list(openObject({ type: text })), "dangerous-tool-use-"],
  mcp_servers: [list(openObject({ type: text, name: text, url: text })), "mcp-client-"],
  billing_policy: [anything],
  compaction: [anything],
  fallback_credit_token: [anything],
  fallbacks: [anything],
  output_format: [anything]
}

const outputConfig = nullable(
  object(
    {},
    {
      effort: nullable(oneOf("low", "medium", "high", "xhigh", "max")),
      format: nullable(object({ type: oneOf("json_schema"), schema: openObject() })),
      task_budget: anything
    }
  )
)

const type: Shape = anything

const thinkingMembers = (hasBetas: boolean): Members => ({
  display: nullable(oneOf("summarized", "omitted", ...(hasBetas ? ["updates"] : []))),
  ...(hasBetas ? { block_binding: nullable(openObject()) } : {})
})

const thinking = (hasBetas: boolean): Shape =>
  tagged({
    enabled: object({ type, budget_tokens: integer(1_024) }, thinkingMembers(hasBetas)),
    adaptive: object({ type }, thinkingMembers(hasBetas)),
    between_tools: object({ type }),
    disabled: object({ type })
  })

const parallel: Members = { disable_parallel_tool_use: flag }
const toolChoice = tagged({
  auto: object({ type }, parallel),
  any: object({ type }, parallel),
  tool: object({ type, name: text }, parallel),
  none: object({ type })
})

const customTool = object(
  { name: pattern(/^[a-zA-Z0-9_-]{1,128}$/), input_schema: openObject({ type: oneOf("object") }) },
  {
    type: nullable(oneOf("custom")),
    description: text,
    cache_control: cacheControl,
    allowed_callers: list(text),
    defer_loading: flag,
    eager_input_streaming: nullable(flag),
    input_examples: list(openObject()),
    strict: flag
  }
)

const SERVER_TOOL =
  /^(?:bash|code_execution|memory|text_editor|web_search|web_fetch|tool_search_tool_(?:bm25|regex)|browser_toolset|computer_toolset)(?:_\d{8})?$/
const BETA_TOOL = /^(?:computer_\d{8}|advisor_\d{8}|mcp_toolset)$/

const tool =
  (hasBetas: boolean): Shape =>
  (value, path) => {
    if (!isObject(value) || value["type"] === undefined || value["type"] === null || value["type"] === "custom") {
      return customTool(value, `${path}.custom`)
    }
    const tag = String(value["type"])
    return SERVER_TOOL.test(tag) || (hasBetas && BETA_TOOL.test(tag))
      ? openObject({}, { name: text, cache_control: cacheControl })(value, `${path}.${tag}`)
      : `${path}: Input tag '${tag}' found using 'type' does not match any of the expected tags`
  }

const message =
  (hasBetas: boolean): Shape =>
  (value, path) => {
    const role = isObject(value) ? value["role"] : undefined
    if (typeof role === "string" && !["user", "assistant", "system"].includes(role)) {
      return `messages: Unexpected role "${role}". Allowed roles are "user" or "assistant"`
    }
    return role === "system" ? systemMessage(hasBetas)(value, path) : turn(hasBetas)(value, path)
  }

const turn = (hasBetas: boolean): Shape => object({ role: oneOf("user", "assistant"), content: contentShape(hasBetas) })

const systemMessage = (hasBetas: boolean): Shape =>
  hasBetas
    ? object(
        { role: oneOf("system") },
        {
          content: systemContentShape(true),
          output_config: outputConfig,
          clear_at: nullable(oneOf("next_user_message", "never"))
        }
      )
    : object({ role: oneOf("system"), content: systemContentShape(false) })

const counted = (hasBetas: boolean): Members => ({
  cache_control: cacheControl,
  output_config: outputConfig,
  speed: nullable(oneOf("standard", "fast")),
  system: textOr(list(systemText)),
  thinking: thinking(hasBetas),
  tool_choice: toolChoice,
  tools: list(tool(hasBetas))
})

const created: Members = {
  container: nullable(textOr(openObject())),
  diagnostics: nullable(openObject()),
  inference_geo: nullable(text),
  metadata: object({}, { user_id: nullable(text) }),
  service_tier: oneOf("auto", "standard_only"),
  stop_sequences: list(text),
  stream: flag,
  temperature: within(0, 1),
  top_k: integer(0),
  top_p: within(0, 1)
}

/** The first fault of a body, given the betas that its request names. */
export const findShapeFault = (
  operation: "messages" | "count_tokens",
  body: unknown,
  betas: ReadonlyArray<string>
): string | null => {
  const hasBetas = betas.length > 0
  const brought = Object.entries(betaMembers).filter(
    ([, [, ...names]]) =>
      hasBetas && (names.length === 0 || names.some((name) => betas.some((beta) => beta.startsWith(name))))
  )
  const optional: Members = {
    ...counted(hasBetas),
    ...(operation === "messages" ? created : {}),
    ...Object.fromEntries(brought.map(([name, [shape]]) => [name, shape]))
  }
  const required: Members = {
    model: text,
    messages: list(message(hasBetas)),
    ...(operation === "messages" ? { max_tokens: integer(1) } : {})
  }
  return object(required, optional)(body, "")
}
