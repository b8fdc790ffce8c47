import { assert, describe, it } from "@effect/vitest"
import type { MessagesRequest } from "../../src/message/MessagesRequest.ts"
import { applySystemPrompt } from "../../src/policy/SystemPrompt.ts"

const bare: MessagesRequest = { model: "m", max_tokens: 1, messages: [{ role: "user", content: "Hello" }] }
const around = { prepend: "before", append: "after" }
const text = (text: string) => ({ type: "text", text }) as const

describe("SystemPrompt", () => {
  it("leaves the request as it is where the operator has nothing to say", () => {
    assert.strictEqual(applySystemPrompt(bare, { prepend: null, append: null }), bare)
    assert.strictEqual(applySystemPrompt(bare, { prepend: "", append: "" }), bare)
  })

  it("stands alone where the client has none", () => {
    assert.deepStrictEqual(applySystemPrompt(bare, around).system, [text("before"), text("after")])
    assert.deepStrictEqual(applySystemPrompt({ ...bare, system: "" }, around).system, [text("before"), text("after")])
    assert.deepStrictEqual(applySystemPrompt({ ...bare, system: null }, around).system, [text("before"), text("after")])
  })

  it("goes around the client's text", () => {
    const { system } = applySystemPrompt({ ...bare, system: "own" }, around)
    assert.deepStrictEqual(system, [text("before"), text("own"), text("after")])
  })

  it("keeps every block of the client's, with its cache mark", () => {
    const own = { ...text("own"), cache_control: { type: "ephemeral" } } as const
    assert.deepStrictEqual(applySystemPrompt({ ...bare, system: [own] }, { prepend: "before", append: null }).system, [
      text("before"),
      own
    ])
  })
})
