import { assert, describe, it } from "@effect/vitest"
import { AnthropicMade } from "../../../src/upstream/anthropic/AnthropicMade.ts"

const of = (read: (made: AnthropicMade) => void) => {
  const made = new AnthropicMade()
  read(made)
  return made.all
}

describe("AnthropicMade", () => {
  it("is the message, its container and the files in results of tools, each once", () => {
    const made = of((made) => {
      made.message({
        id: "msg_1",
        container: { id: "container_1" },
        content: [
          { type: "text", text: "done" },
          { type: "tool_result", content: { type: "result", content: [{ type: "output", file_id: "file_1" }] } }
        ]
      })
      made.container({ container: { id: "container_1" } })
    })
    assert.deepStrictEqual(made, [
      { kind: "thread", id: "msg_1" },
      { kind: "container", id: "container_1" },
      { kind: "file", id: "file_1" }
    ])
  })

  it("is nothing where nothing is told", () => {
    assert.deepStrictEqual(
      of((made) => made.message({ id: 1, container: null, content: "file_id" })),
      []
    )
  })

  it("is bounded", () => {
    const content = Array.from({ length: 1_000 }, (_, n) => ({ file_id: `file_${n}` }))
    assert.strictEqual(of((made) => made.content(content)).length, 256)
  })
})
