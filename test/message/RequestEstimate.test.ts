import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { CountTokensRequest } from "../../src/message/MessagesRequest.ts"
import { estimateInput } from "../../src/message/RequestEstimate.ts"
import { requestOf } from "../support/KiroConversion.ts"

const saying = (...content: ReadonlyArray<unknown>): CountTokensRequest =>
  requestOf({ messages: [{ role: "user", content }] })
const text = (value: string) => ({ type: "text", text: value })
const more = (block: unknown) => estimateInput(saying(text("a"), block)) - estimateInput(saying(text("a")))

/** The first bytes of a PNG of this size; the rest of a picture is never looked at. */
const png = (width: number, height: number): string => {
  const head = Buffer.alloc(24)
  head.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  head.writeUInt32BE(width, 16)
  head.writeUInt32BE(height, 20)
  return head.toString("base64")
}
const image = (data: string) => ({ type: "image", source: { type: "base64", media_type: "image/png", data } })

describe("the estimate of a request", () => {
  it("is at least one token", () => {
    assert.isAtLeast(estimateInput(requestOf({ messages: [{ role: "user", content: "" }] })), 1)
  })

  it("counts system, tools, schema of the answer and every kind of block", () => {
    const words = "word ".repeat(40)
    const kinds: Readonly<Record<string, unknown>> = {
      text: text(words),
      tool_use: { type: "tool_use", id: "t", name: "n", input: { words } },
      tool_result: { type: "tool_result", tool_use_id: "t", content: words },
      "tool_result of blocks": { type: "tool_result", tool_use_id: "t", content: [text(words)] },
      thinking: { type: "thinking", thinking: words, signature: "" },
      document: { type: "document", source: { type: "text", media_type: "text/plain", data: words } },
      search_result: { type: "search_result", source: "s", title: "t", content: [text(words)] },
      "of tomorrow": { type: "tomorrow", words }
    }
    for (const [kind, block] of Object.entries(kinds)) assert.isAtLeast(more(block), 35, kind)
    const plain = estimateInput(saying(text("a")))
    const with_ = (members: object) =>
      estimateInput(requestOf({ messages: [{ role: "user", content: [text("a")] }], ...members }))
    assert.isAtLeast(with_({ system: words }) - plain, 35)
    assert.isAtLeast(with_({ tools: [{ name: "n", description: words, input_schema: {} }] }) - plain, 35)
    assert.isAtLeast(with_({ output_config: { format: { type: "json_schema", schema: { words } } } }) - plain, 35)
  })

  it("counts a picture by its size, up to what larger ones are scaled down to", () => {
    assert.strictEqual(more(image(png(750, 100))), 100)
    assert.strictEqual(more(image(png(8000, 8000))), 1600)
    assert.strictEqual(more(image("AAAA")), 1600)
  })

  it.prop("never falls when something is added", [Schema.String, Schema.String], ([one, other]) => {
    assert.isAtLeast(estimateInput(saying(text(one), text(other))), estimateInput(saying(text(one))))
  })

  it.prop("is the same for a text in one piece or in two", [Schema.String, Schema.String], ([one, other]) => {
    const whole = estimateInput(saying(text(one + other)))
    assert.isAtMost(Math.abs(whole - estimateInput(saying(text(one), text(other)))), 1)
  })
})
