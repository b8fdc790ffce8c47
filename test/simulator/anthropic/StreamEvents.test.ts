/** A message and the events that bring it. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { exampleOf } from "../../../src/simulator/anthropic/BuiltInAgent.ts"
import { eventsOf, type StreamEvent } from "../../../src/simulator/anthropic/StreamEvents.ts"
import { at } from "./Sdk.ts"

const text = Schema.String.check(Schema.makeFilter((value: string) => value.isWellFormed()))
const block = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text }),
  Schema.Struct({
    type: Schema.Literal("text"),
    text,
    citations: Schema.Array(Schema.Struct({ type: Schema.Literal("page_location"), cited_text: text }))
  }),
  Schema.Struct({ type: Schema.Literal("thinking"), thinking: text, signature: text }),
  Schema.Struct({ type: Schema.Literal("tool_use"), id: text, name: text, input: Schema.Struct({ member: text }) }),
  Schema.Struct({ type: Schema.Literal("redacted_thinking"), data: text }),
  Schema.Struct({ type: Schema.Literal("novel_block"), anything: Schema.Array(text) })
])
const blocks = Arbitrary.array(Arbitrary.schema(block), { maxLength: 5 })
const size = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })))

/** Adds events up as a client does. */
const addUp = (events: ReadonlyArray<StreamEvent>): ReadonlyArray<unknown> => {
  const blocks: Array<Record<string, unknown>> = []
  let json = ""
  for (const event of events) {
    const last = blocks.at(-1) ?? {}
    const delta = event["delta"]
    if (event.type === "content_block_start") {
      blocks.push({ ...Object(event["content_block"]) })
      json = ""
    }
    if (event.type === "content_block_stop" && json !== "") last["input"] = JSON.parse(json)
    if (event.type !== "content_block_delta") continue
    const add = (member: string) => (last[member] = String(last[member]) + String(at(delta, member)))
    switch (at(delta, "type")) {
      case "text_delta":
        add("text")
        break
      case "thinking_delta":
        add("thinking")
        break
      case "signature_delta":
        add("signature")
        break
      case "input_json_delta":
        json += String(at(delta, "partial_json"))
        break
      default:
        last["citations"] = [...Object(last["citations"]), at(delta, "citation")]
    }
  }
  return blocks
}

describe("the events of a message", () => {
  it.prop(
    "add up to it, whatever the size of the deltas, and split no character",
    [blocks, size],
    ([content, chunk]) => {
      const message = { id: "m", content, stop_reason: "end_turn", stop_sequence: null, usage: {} }
      const events = eventsOf(message, { chunk, startUsage: {}, endUsage: {} })
      assert.deepStrictEqual(JSON.parse(JSON.stringify(addUp(events))), JSON.parse(JSON.stringify(content)))
      assert.strictEqual(events[0]?.type, "message_start")
      assert.strictEqual(events.at(-1)?.type, "message_stop")
      for (const event of events)
        assert.isTrue(JSON.stringify(event).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(event)))
    }
  )
})

describe("an example of a schema", () => {
  it("has what is required, and no more", () => {
    const schema = {
      type: "object",
      properties: {
        list: { type: "array", minItems: 2, items: { type: "integer", minimum: 5 } },
        either: { anyOf: [{ type: "null" }, { type: "string" }] },
        fixed: { const: "x" },
        more: { type: "string" },
        deep: { type: "object", properties: { on: { type: "boolean" } }, required: ["on"] }
      },
      required: ["list", "either", "fixed", "deep"]
    }
    assert.deepStrictEqual(exampleOf(schema), { list: [5, 5], either: null, fixed: "x", deep: { on: true } })
  })

  it("ends where the schema does not", () => {
    const schema: Record<string, unknown> = { type: "object", required: ["a"] }
    schema["properties"] = { a: schema }
    assert.isBelow(JSON.stringify(exampleOf(schema)).length, 200)
  })
})
