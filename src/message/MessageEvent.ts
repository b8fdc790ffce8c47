/**
 * The events of a streamed Anthropic answer and the message they add up to.
 *
 * Schemas for who reads answers: clients of the library, tests. The answers that Weir gives are made by us, thousands of
 * events a second; they are not run through these, but held against them by property tests.
 *
 * **Source:** Anthropic Messages API, streaming.
 */
import { Schema } from "effect"
import { Usage } from "./Usage.ts"

export const StopReason = Schema.Literals([
  "end_turn",
  "max_tokens",
  "stop_sequence",
  "tool_use",
  "pause_turn",
  "refusal",
  "model_context_window_exceeded"
])
export type StopReason = typeof StopReason.Type

/** One hit of a web search; `encrypted_content` is opaque to clients and comes back unchanged. */
export const WebSearchResult = Schema.Struct({
  type: Schema.Literal("web_search_result"),
  title: Schema.String,
  url: Schema.String,
  encrypted_content: Schema.String,
  page_age: Schema.NullOr(Schema.String)
})
export type WebSearchResult = typeof WebSearchResult.Type

export const WebSearchError = Schema.Struct({
  type: Schema.Literal("web_search_tool_result_error"),
  error_code: Schema.Literals([
    "unavailable",
    "invalid_tool_input",
    "max_uses_exceeded",
    "too_many_requests",
    "query_too_long"
  ])
})
export type WebSearchError = typeof WebSearchError.Type

export const TextBlock = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })
export type TextBlock = typeof TextBlock.Type

export const ThinkingBlock = Schema.Struct({
  type: Schema.Literal("thinking"),
  thinking: Schema.String,
  /** The upstream's own signature, or empty. Never made up. */
  signature: Schema.String
})
export type ThinkingBlock = typeof ThinkingBlock.Type

export const RedactedThinkingBlock = Schema.Struct({ type: Schema.Literal("redacted_thinking"), data: Schema.String })
export type RedactedThinkingBlock = typeof RedactedThinkingBlock.Type

const call = { id: Schema.String, name: Schema.String, input: Schema.Unknown }

export const ToolUseBlock = Schema.Struct({ type: Schema.Literal("tool_use"), ...call })
export type ToolUseBlock = typeof ToolUseBlock.Type

export const ServerToolUseBlock = Schema.Struct({ type: Schema.Literal("server_tool_use"), ...call })
export type ServerToolUseBlock = typeof ServerToolUseBlock.Type

export const WebSearchToolResultBlock = Schema.Struct({
  type: Schema.Literal("web_search_tool_result"),
  tool_use_id: Schema.String,
  content: Schema.Union([Schema.Array(WebSearchResult), WebSearchError])
})
export type WebSearchToolResultBlock = typeof WebSearchToolResultBlock.Type

/** A content block of an answer. In `content_block_start` text, thinking and input are still empty. */
export const ContentBlock = Schema.Union([
  TextBlock,
  ThinkingBlock,
  RedactedThinkingBlock,
  ToolUseBlock,
  ServerToolUseBlock,
  WebSearchToolResultBlock
])
export type ContentBlock = typeof ContentBlock.Type

export const ContentDelta = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text_delta"), text: Schema.String }),
  Schema.Struct({ type: Schema.Literal("thinking_delta"), thinking: Schema.String }),
  Schema.Struct({ type: Schema.Literal("signature_delta"), signature: Schema.String }),
  Schema.Struct({ type: Schema.Literal("input_json_delta"), partial_json: Schema.String })
])
export type ContentDelta = typeof ContentDelta.Type

/** What a delta adds, whatever it adds it to. */
export const deltaText = (delta: ContentDelta): string => {
  switch (delta.type) {
    case "text_delta":
      return delta.text
    case "thinking_delta":
      return delta.thinking
    case "signature_delta":
      return delta.signature
    case "input_json_delta":
      return delta.partial_json
  }
}

/** A whole answer; in `message_start` its content is empty and `stop_reason` null. */
export const Message = Schema.Struct({
  id: Schema.String,
  type: Schema.Literal("message"),
  role: Schema.Literal("assistant"),
  model: Schema.String,
  content: Schema.Array(ContentBlock),
  /** A {@link StopReason}, or one that is newer than this. */
  stop_reason: Schema.NullOr(Schema.String),
  stop_sequence: Schema.NullOr(Schema.String),
  usage: Usage
})
export type Message = typeof Message.Type

export const MessageStart = Schema.Struct({ type: Schema.Literal("message_start"), message: Message })
export type MessageStart = typeof MessageStart.Type

export const ContentBlockStart = Schema.Struct({
  type: Schema.Literal("content_block_start"),
  index: Schema.Int,
  content_block: ContentBlock
})
export type ContentBlockStart = typeof ContentBlockStart.Type

export const ContentBlockDelta = Schema.Struct({
  type: Schema.Literal("content_block_delta"),
  index: Schema.Int,
  delta: ContentDelta
})
export type ContentBlockDelta = typeof ContentBlockDelta.Type

export const ContentBlockStop = Schema.Struct({ type: Schema.Literal("content_block_stop"), index: Schema.Int })
export type ContentBlockStop = typeof ContentBlockStop.Type

export const MessageDelta = Schema.Struct({
  type: Schema.Literal("message_delta"),
  delta: Schema.Struct({ stop_reason: Schema.String, stop_sequence: Schema.NullOr(Schema.String) }),
  usage: Usage
})
export type MessageDelta = typeof MessageDelta.Type

export const MessageStop = Schema.Struct({ type: Schema.Literal("message_stop") })
export type MessageStop = typeof MessageStop.Type

/** The events that carry content: what an upstream's answer is turned into. */
export const ContentEvent = Schema.Union([ContentBlockStart, ContentBlockDelta, ContentBlockStop])
export type ContentEvent = typeof ContentEvent.Type

/** Every event of a successful stream, in wire order: start, content, delta, stop. */
export const MessageEvent = Schema.Union([
  MessageStart,
  ContentBlockStart,
  ContentBlockDelta,
  ContentBlockStop,
  MessageDelta,
  MessageStop
])
export type MessageEvent = typeof MessageEvent.Type

/** A client that hears nothing for a while is told that the answer is still being made. */
export const Ping = Schema.Struct({ type: Schema.Literal("ping") })

/** The one event after the 200 that says that the answer is not whole. Nothing follows it. */
export const ErrorEvent = Schema.Struct({
  type: Schema.Literal("error"),
  error: Schema.Struct({ type: Schema.String, message: Schema.String }),
  request_id: Schema.String
})

/** Everything that stands on the wire of a stream. */
export const WireEvent = Schema.Union([MessageEvent, Ping, ErrorEvent])
export type WireEvent = typeof WireEvent.Type
