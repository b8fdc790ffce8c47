/**
 * BlockShape: the content blocks that a request may hold, member by member.
 *
 * What only a beta brings is only there where the request names a beta. Results of server tools are not looked into:
 * they come back as they were given.
 *
 * **Source:** `ContentBlockParam` and `BetaContentBlockParam` of `@anthropic-ai/sdk` 1.12.
 */
import {
  anything,
  flag,
  list,
  type Members,
  nullable,
  object,
  oneOf,
  openObject,
  type Shape,
  tagged,
  text,
  textOr
} from "./Shape.ts"

export const cacheControl = nullable(
  tagged({ ephemeral: object({ type: oneOf("ephemeral") }, { ttl: oneOf("5m", "1h") }) })
)

const type: Shape = anything
const cached: Members = { cache_control: cacheControl }
const called: Members = { ...cached, caller: openObject({ type: text }) }

/** A text block of `system`, which is no variant of anything. */
export const systemText: Shape = object(
  { type: oneOf("text"), text },
  { ...cached, citations: nullable(list(anything)) }
)

const image = object(
  {
    type,
    source: tagged({
      base64: object({
        type,
        data: text,
        media_type: oneOf("image/jpeg", "image/png", "image/gif", "image/webp")
      }),
      url: object({ type, url: text }),
      file: object({ type, file_id: text })
    })
  },
  { ...cached, transformations: anything }
)

const document = object(
  {
    type,
    source: tagged({
      base64: object({ type, data: text, media_type: oneOf("application/pdf") }),
      text: object({ type, data: text, media_type: oneOf("text/plain") }),
      content: object({ type, content: textOr(list(anything)) }),
      url: object({ type, url: text }),
      file: object({ type, file_id: text })
    })
  },
  { ...cached, citations: nullable(openObject({}, { enabled: flag })), context: nullable(text), title: nullable(text) }
)

const textBlock = object({ type, text }, { ...cached, citations: nullable(list(openObject({ type: text }))) })

const searchResult = object(
  { type, content: list(systemText), source: text, title: text },
  { ...cached, citations: openObject({}, { enabled: flag }) }
)

const resultOfServerTool = object({ type, tool_use_id: text, content: anything }, called)

const toolResult = object(
  { type, tool_use_id: text },
  {
    ...cached,
    content: textOr(
      list(
        tagged({
          text: textBlock,
          image,
          search_result: searchResult,
          document,
          tool_reference: openObject({ tool_name: text }),
          browser_state: openObject({ tabs: list(anything) })
        })
      )
    ),
    is_error: flag,
    toolset_name: nullable(text)
  }
)

const SERVER_RESULTS = [
  "web_search_tool_result",
  "web_fetch_tool_result",
  "code_execution_tool_result",
  "bash_code_execution_tool_result",
  "text_editor_code_execution_tool_result",
  "tool_search_tool_result"
] as const

const stable: Members = {
  text: textBlock,
  image,
  document,
  search_result: searchResult,
  thinking: object({ type, signature: text, thinking: text }),
  redacted_thinking: object({ type, data: text }),
  tool_use: object({ type, id: text, input: openObject(), name: text }, { ...called, toolset_name: nullable(text) }),
  tool_result: toolResult,
  server_tool_use: object({ type, id: text, input: openObject(), name: text }, called),
  ...Object.fromEntries(SERVER_RESULTS.map((name) => [name, resultOfServerTool])),
  container_upload: object({ type, file_id: text }, cached)
}

const beta: Members = {
  ...stable,
  advisor_tool_result: resultOfServerTool,
  mcp_tool_use: object({ type, id: text, input: openObject(), name: text, server_name: text }, cached),
  mcp_tool_result: object({ type, tool_use_id: text }, { ...cached, content: textOr(list(anything)), is_error: flag }),
  mcp_tool_listing: openObject({ mcp_server_name: text }),
  compaction: openObject(),
  tool_addition: openObject({ tool: openObject() }, cached),
  tool_removal: openObject({ tool: openObject() }, cached),
  fallback: openObject({ from: openObject(), to: openObject() })
}

/** The content of a message. */
export const contentShape = (hasBetas: boolean): Shape => textOr(list(tagged(hasBetas ? beta : stable)))

/** The content of a message of role `system`. */
export const systemContentShape = (hasBetas: boolean): Shape =>
  textOr(
    list(
      tagged(
        hasBetas
          ? { text: textBlock, tool_addition: openObject({ tool: openObject() }), tool_removal: openObject() }
          : { text: textBlock }
      )
    )
  )
