import { assert, describe, it } from "@effect/vitest"
import { withoutThinking } from "../../../src/upstream/anthropic/AnthropicThinking.ts"
import { requestOf } from "../../support/KiroConversion.ts"

const thought = { type: "thinking", thinking: "hm", signature: "foreign" }
const redacted = { type: "redacted_thinking", data: "x" }
const call = { type: "tool_use", id: "toolu_1", name: "t", input: {} }
const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "ok" }] }
const said = { type: "text", text: "so" }
const assistant = (...content: ReadonlyArray<object>) => ({ role: "assistant", content })
const user = { role: "user", content: "go on" }

const without = (messages: ReadonlyArray<object>, thinking: object | null = { type: "enabled", budget_tokens: 1024 }) =>
  withoutThinking(requestOf({ messages, thinking }))

describe("AnthropicThinking", () => {
  it("leaves the thinking of turns that are over out", () => {
    const messages = [
      user,
      assistant(thought, redacted, said),
      user,
      assistant(thought, call),
      result,
      assistant(said),
      user
    ]
    assert.deepStrictEqual<unknown>(without(messages), [
      user,
      assistant(said),
      user,
      assistant(call),
      result,
      assistant(said),
      user
    ])
  })

  it("keeps that of a turn whose tools are running", () => {
    const running = [assistant(thought, call), result]
    assert.deepStrictEqual<unknown>(without([user, assistant(thought, said), user, ...running]), [
      user,
      assistant(said),
      user,
      ...running
    ])
    assert.isNull(without([user, ...running]))
    assert.isNull(without([user, assistant(thought, call), result, assistant(thought, call), result]))
  })

  it("leaves it all out where thinking is off", () => {
    for (const thinking of [null, { type: "disabled" }]) {
      assert.deepStrictEqual<unknown>(without([user, assistant(thought, call), result], thinking), [
        user,
        assistant(call),
        result
      ])
    }
  })

  it("empties no turn, and says where there is nothing to leave out", () => {
    assert.isNull(without([user, assistant(thought), user]))
    assert.isNull(without([user, assistant(said), user]))
    assert.isNull(without([user, { role: "assistant", content: "text" }, user]))
  })
})
