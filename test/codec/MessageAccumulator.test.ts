import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { MAX_ANSWER, MessageAccumulator } from "../../src/codec/MessageAccumulator.ts"
import type { ContentBlock, ContentDelta, ContentEvent } from "../../src/message/MessageEvent.ts"

const accumulate = (events: ReadonlyArray<ContentEvent>): ReadonlyArray<ContentBlock> => {
  const accumulator = new MessageAccumulator()
  for (const event of events) assert.isTrue(accumulator.push([event]))
  return accumulator.finish()
}

/** The events by which a block is streamed, its text in the given pieces. */
const streamed = (block: ContentBlock, index: number, pieces: ReadonlyArray<string>): ReadonlyArray<ContentEvent> => {
  const events = (empty: ContentBlock, deltas: ReadonlyArray<ContentDelta>): ReadonlyArray<ContentEvent> => [
    { type: "content_block_start", index, content_block: empty },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta }) as const),
    { type: "content_block_stop", index }
  ]
  switch (block.type) {
    case "text":
      return events(
        { ...block, text: "" },
        pieces.map((text) => ({ type: "text_delta", text }))
      )
    case "thinking":
      return events({ ...block, thinking: "", signature: "" }, [
        ...pieces.map((thinking) => ({ type: "thinking_delta", thinking }) as const),
        ...(block.signature === "" ? [] : [{ type: "signature_delta", signature: block.signature } as const])
      ])
    case "tool_use":
    case "server_tool_use":
      return events(
        { ...block, input: {} },
        JSON.stringify(block.input)
          .split(/(?<=[,:])/)
          .map((partial_json) => ({ type: "input_json_delta", partial_json }))
      )
    default:
      return events(block, [])
  }
}

const pieces = Arbitrary.array(Arbitrary.schema(Schema.String), { maxLength: 4 })
const makes: ReadonlyArray<(text: string) => ContentBlock> = [
  (text) => ({ type: "text", text }),
  (thinking) => ({ type: "thinking", thinking, signature: "" }),
  (thinking) => ({ type: "thinking", thinking, signature: "sig" }),
  (text) => ({ type: "tool_use", id: "t", name: "n", input: { text, list: [1, text] } }),
  (query) => ({ type: "server_tool_use", id: "s", name: "web_search", input: { query } }),
  (data) => ({ type: "redacted_thinking", data }),
  () => ({ type: "web_search_tool_result", tool_use_id: "s", content: [] })
]
const make = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: makes.length - 1 })))
const answer = Arbitrary.array(Arbitrary.all([make, pieces]), { maxLength: 6 })

describe("MessageAccumulator", () => {
  it.prop("adds the events of an answer up to its content", [answer], ([answer]) => {
    const blocks = answer.flatMap(([make, pieces]) => makes[make]?.(pieces.join("")) ?? [])
    const events = blocks.flatMap((block, index) => streamed(block, index, answer[index]?.[1] ?? []))
    assert.deepStrictEqual(accumulate(events), blocks)
  })

  const call: ContentEvent = {
    type: "content_block_start",
    index: 0,
    content_block: { type: "tool_use", id: "t", name: "n", input: {} }
  }
  const json = (partial_json: string): ContentEvent => ({
    type: "content_block_delta",
    index: 0,
    delta: { type: "input_json_delta", partial_json }
  })

  it("leaves out a call whose input was cut off", () => {
    assert.deepStrictEqual(accumulate([call, json(`{"path":`), { type: "content_block_stop", index: 0 }]), [])
  })

  it("keeps a call that has no input at all, with an empty one", () => {
    assert.deepStrictEqual(accumulate([call, { type: "content_block_stop", index: 0 }]), [
      { type: "tool_use", id: "t", name: "n", input: {} }
    ])
  })

  it("keeps the text of a block that was never stopped", () => {
    const events: ReadonlyArray<ContentEvent> = [
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "half" } }
    ]
    assert.deepStrictEqual(accumulate(events), [{ type: "text", text: "half" }])
  })

  it("refuses an answer that is too long to keep", () => {
    const accumulator = new MessageAccumulator()
    const half: ContentEvent = {
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text: "x".repeat(MAX_ANSWER / 2) }
    }
    assert.isTrue(
      accumulator.push([
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        half,
        half
      ])
    )
    assert.isFalse(accumulator.push([json("x")]))
    assert.isFalse(accumulator.push([]))
  })
})
