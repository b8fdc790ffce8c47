import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { encodeError, encodeEvent, encodeEvents, PING } from "../../src/codec/SseFraming.ts"
import type { ContentDelta, MessageEvent } from "../../src/message/MessageEvent.ts"

const naive = (event: MessageEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

const awkward = Schema.Literals([
  "\ud83d",
  "\ude00",
  "\u2028",
  "\n",
  "\r\n\r\n",
  `"`,
  "\\",
  "\u0000",
  "</script>",
  "😀",
  "\n\ndata: {}"
])
const text = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Schema.Union([awkward, Schema.String])), { maxLength: 8 }),
  (pieces) => pieces.join("")
)
const index = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })))

const deltas: ReadonlyArray<(text: string) => ContentDelta> = [
  (text) => ({ type: "text_delta", text }),
  (thinking) => ({ type: "thinking_delta", thinking }),
  (signature) => ({ type: "signature_delta", signature }),
  (partial_json) => ({ type: "input_json_delta", partial_json })
]

const usage = {
  input_tokens: 1,
  output_tokens: 2,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }
}

describe("SseFraming", () => {
  it.prop("every delta is written as JSON.stringify would write the whole event", [index, text], ([index, text]) => {
    for (const delta of deltas) {
      const event: MessageEvent = { type: "content_block_delta", index, delta: delta(text) }
      assert.strictEqual(encodeEvent(event), naive(event))
    }
  })

  it("every other event is written as JSON.stringify would write it", () => {
    const events: ReadonlyArray<MessageEvent> = [
      {
        type: "message_start",
        message: {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage
        }
      },
      { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "t", name: "n", input: {} } },
      { type: "content_block_stop", index: 12 },
      { type: "message_delta", delta: { stop_reason: "stop_sequence", stop_sequence: "\n" }, usage },
      { type: "message_stop" }
    ]
    for (const event of events) assert.strictEqual(encodeEvent(event), naive(event))
    assert.strictEqual(encodeEvents(events), events.map(naive).join(""))
  })

  it.prop("an event is two lines and an empty one, whatever it carries", [text], ([text]) => {
    const event: MessageEvent = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }
    const lines = encodeEvent(event).split(/\r\n|\r|\n/)
    assert.deepStrictEqual([lines.length, lines[0], lines[2], lines[3]], [4, "event: content_block_delta", "", ""])
    assert.deepStrictEqual(JSON.parse(lines[1]?.slice("data: ".length) ?? ""), event)
  })

  it("a ping and an error carry their type as name and in their data", () => {
    assert.strictEqual(PING, `event: ping\ndata: {"type":"ping"}\n\n`)
    assert.strictEqual(
      encodeError("overloaded_error", `a "b"\n`, "req_1"),
      `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"a \\"b\\"\\n"},"request_id":"req_1"}\n\n`
    )
    assert.strictEqual(
      encodeError("api_error", "x"),
      `event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}\n\n`
    )
  })
})
