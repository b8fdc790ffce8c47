/**
 * Start: the beginning of an answer as the exchange makes it.
 */
import type { MessageStart } from "../../src/message/MessageEvent.ts"
import type { Usage } from "../../src/message/Usage.ts"

export const usageOf = (input: number, output: number): Usage => ({
  input_tokens: input,
  output_tokens: output,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }
})

export const start: MessageStart = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usageOf(7, 1)
  }
}
