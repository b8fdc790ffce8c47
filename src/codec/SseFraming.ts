/**
 * SseFraming: events to the text of a server-sent event stream.
 *
 * Every event is `event: NAME`, one line `data: JSON` whose `type` is that name, and an empty line.
 *
 * **Source:** Anthropic Messages API, streaming.
 */
import type { ContentBlockDelta, MessageEvent } from "../message/MessageEvent.ts"

/** Keeps a quiet stream alive; allowed at any place in it. */
export const PING = `event: ping\ndata: {"type":"ping"}\n\n`

/** One event of an answer as text. */
export const encodeEvent = (event: MessageEvent): string => {
  switch (event.type) {
    case "content_block_delta":
      return encodeDelta(event)
    case "content_block_stop":
      return `event: content_block_stop\ndata: {"type":"content_block_stop","index":${event.index}}\n\n`
    default:
      return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  }
}

/** Several events as one piece of text, in order. */
export const encodeEvents = (events: ReadonlyArray<MessageEvent>): string => {
  let text = ""
  for (const event of events) text += encodeEvent(event)
  return text
}

/**
 * The event that ends a stream instead of `message_stop`.
 *
 * @param type an Anthropic error type such as `overloaded_error`
 */
export const encodeError = (
  type: string,
  message: string,
  requestId?: string,
  details: Readonly<Record<string, unknown>> | null = null
): string => {
  const error = {
    type: "error",
    error: { type, message, ...(details === null ? {} : { details }) },
    ...(requestId === undefined ? {} : { request_id: requestId })
  }
  return `event: error\ndata: ${JSON.stringify(error)}\n\n`
}

/** Deltas are nearly all of a stream: only their one string goes through `JSON.stringify`. */
const encodeDelta = (event: ContentBlockDelta): string => {
  const { delta } = event
  const head = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${event.index},"delta":{"type":"`
  switch (delta.type) {
    case "text_delta":
      return `${head}text_delta","text":${JSON.stringify(delta.text)}}}\n\n`
    case "thinking_delta":
      return `${head}thinking_delta","thinking":${JSON.stringify(delta.thinking)}}}\n\n`
    case "input_json_delta":
      return `${head}input_json_delta","partial_json":${JSON.stringify(delta.partial_json)}}}\n\n`
    case "signature_delta":
      return `${head}signature_delta","signature":${JSON.stringify(delta.signature)}}}\n\n`
  }
}
