/**
 * The events of a streamed Anthropic answer and the message they add up to.
 *
 * Plain types without Schema: these are made by us, thousands a second, and checked by property tests.
 *
 * **Source:** Anthropic Messages API, streaming.
 */
import type { Usage } from "./Usage.ts"

export type StopReason =
  | "end_turn"
  | "max_tokens"
  | "stop_sequence"
  | "tool_use"
  | "pause_turn"
  | "refusal"
  | "model_context_window_exceeded"

/** One hit of a web search; `encrypted_content` is opaque to clients and comes back unchanged. */
export interface WebSearchResult {
  readonly type: "web_search_result"
  readonly title: string
  readonly url: string
  readonly encrypted_content: string
  readonly page_age: string | null
}

export interface WebSearchError {
  readonly type: "web_search_tool_result_error"
  readonly error_code:
    | "unavailable"
    | "invalid_tool_input"
    | "max_uses_exceeded"
    | "too_many_requests"
    | "query_too_long"
}

export interface TextBlock {
  readonly type: "text"
  readonly text: string
}

export interface ThinkingBlock {
  readonly type: "thinking"
  readonly thinking: string
  /** The upstream's own signature, or empty. Never made up. */
  readonly signature: string
}

export interface RedactedThinkingBlock {
  readonly type: "redacted_thinking"
  readonly data: string
}

export interface ToolUseBlock {
  readonly type: "tool_use"
  readonly id: string
  readonly name: string
  readonly input: unknown
}

export interface ServerToolUseBlock {
  readonly type: "server_tool_use"
  readonly id: string
  readonly name: string
  readonly input: unknown
}

export interface WebSearchToolResultBlock {
  readonly type: "web_search_tool_result"
  readonly tool_use_id: string
  readonly content: ReadonlyArray<WebSearchResult> | WebSearchError
}

/** A content block of an answer. In `content_block_start` text, thinking and input are still empty. */
export type ContentBlock =
  | TextBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | ToolUseBlock
  | ServerToolUseBlock
  | WebSearchToolResultBlock

export type ContentDelta =
  | { readonly type: "text_delta"; readonly text: string }
  | { readonly type: "thinking_delta"; readonly thinking: string }
  | { readonly type: "signature_delta"; readonly signature: string }
  | { readonly type: "input_json_delta"; readonly partial_json: string }

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
export interface Message {
  readonly id: string
  readonly type: "message"
  readonly role: "assistant"
  readonly model: string
  readonly content: ReadonlyArray<ContentBlock>
  readonly stop_reason: StopReason | null
  readonly stop_sequence: string | null
  readonly usage: Usage
}

export interface MessageStart {
  readonly type: "message_start"
  readonly message: Message
}
export interface ContentBlockStart {
  readonly type: "content_block_start"
  readonly index: number
  readonly content_block: ContentBlock
}
export interface ContentBlockDelta {
  readonly type: "content_block_delta"
  readonly index: number
  readonly delta: ContentDelta
}
export interface ContentBlockStop {
  readonly type: "content_block_stop"
  readonly index: number
}
export interface MessageDelta {
  readonly type: "message_delta"
  readonly delta: { readonly stop_reason: StopReason; readonly stop_sequence: string | null }
  readonly usage: Usage
}
export interface MessageStop {
  readonly type: "message_stop"
}

/** The events that carry content: what an upstream's answer is turned into. */
export type ContentEvent = ContentBlockStart | ContentBlockDelta | ContentBlockStop

/** Every event of a successful stream, in wire order: start, content, delta, stop. */
export type MessageEvent = MessageStart | ContentEvent | MessageDelta | MessageStop
