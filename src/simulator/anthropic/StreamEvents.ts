/**
 * StreamEvents: a whole message as the events that a stream brings it in.
 *
 * Text, thinking and the input of calls come in deltas, a signature and citations behind them; every other block is whole
 * when it starts.
 *
 * **Source:** `RawMessageStreamEvent` of `@anthropic-ai/sdk` 1.12; Anthropic's documentation of streaming.
 */
import { type Block, textMember } from "./MessagesBody.ts"
import type { JsonObject } from "./Shape.ts"

const DEFAULT_CHUNK = 16

/** One event; its name is the `type` of its data. */
export interface StreamEvent {
  readonly type: string
  readonly [member: string]: unknown
}

/** A message that was answered. */
export interface AnsweredMessage {
  readonly id: string
  readonly content: ReadonlyArray<Block>
  readonly stop_reason: string | null
  readonly stop_sequence: string | null
  readonly usage: JsonObject
  readonly [member: string]: unknown
}

export interface Manner {
  /** Characters of a delta; 0: all of it. @default 16 */
  readonly chunk?: number
  /** Whether a ping follows `message_start`. @default true */
  readonly pings?: boolean
  /** The usage that is known at the start. */
  readonly startUsage: JsonObject
  /** The usage of `message_delta`. */
  readonly endUsage: JsonObject
}

/** The events of a message, in order. */
export const eventsOf = (message: AnsweredMessage, manner: Manner): ReadonlyArray<StreamEvent> => {
  const { container, content, context_management, stop_details, stop_reason, stop_sequence } = message
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null, usage: manner.startUsage }
  const delta = { stop_reason, stop_sequence, stop_details, ...(container === null ? {} : { container }) }
  return [
    { type: "message_start", message: start },
    ...(manner.pings === false ? [] : [{ type: "ping" }]),
    ...content.flatMap((block, index) => blockEvents(block, index, manner.chunk ?? DEFAULT_CHUNK)),
    {
      type: "message_delta",
      delta,
      usage: manner.endUsage,
      ...(context_management === undefined ? {} : { context_management })
    },
    { type: "message_stop" }
  ]
}

/** An event as bytes on the wire. */
export const encodeEvent = (event: StreamEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

const blockEvents = (block: Block, index: number, chunk: number): ReadonlyArray<StreamEvent> => {
  const { deltas, start } = opened(block, chunk)
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index }
  ]
}

const opened = (block: Block, chunk: number): { readonly start: Block; readonly deltas: ReadonlyArray<JsonObject> } => {
  switch (block.type) {
    case "text": {
      const citations: unknown = block["citations"]
      const cited: ReadonlyArray<unknown> = Array.isArray(citations) ? citations : []
      const said = pieces(textMember(block, "text"), chunk).map((text) => ({ type: "text_delta", text }))
      const start = { ...block, text: "", ...(Array.isArray(citations) ? { citations: [] } : {}) }
      return { start, deltas: [...said, ...cited.map((citation) => ({ type: "citations_delta", citation }))] }
    }
    case "thinking": {
      const thought = pieces(textMember(block, "thinking"), chunk).map((thinking) => ({
        type: "thinking_delta",
        thinking
      }))
      const signature = { type: "signature_delta", signature: textMember(block, "signature") }
      return { start: { ...block, thinking: "", signature: "" }, deltas: [...thought, signature] }
    }
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use": {
      // The first fragment is empty, always.
      const fragments = ["", ...pieces(JSON.stringify(block["input"] ?? {}), chunk)]
      const deltas = fragments.map((partial_json) => ({ type: "input_json_delta", partial_json }))
      return { start: { ...block, input: {} }, deltas }
    }
    default:
      return { start: block, deltas: [] }
  }
}

/** Cuts between characters, never inside one. */
const pieces = (text: string, size: number): ReadonlyArray<string> => {
  if (size === 0 || text.length <= size) return text === "" ? [] : [text]
  const characters = Array.from(text)
  return Array.from({ length: Math.ceil(characters.length / size) }, (_, index) =>
    characters.slice(index * size, (index + 1) * size).join("")
  )
}
