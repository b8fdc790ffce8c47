import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { encodeRequest } from "../../../src/upstream/kiro/KiroRequest.ts"
import { checkBody } from "../../support/AwsModel.ts"
import { attempt, converted } from "../../support/KiroConversion.ts"

const mark = { cache_control: { type: "ephemeral" } }
const text = (text: string, more: object = {}) => ({ type: "text", text, ...more })
const conversation = [
  { role: "user", content: [text("a", mark)] },
  { role: "assistant", content: [text("b", mark)] },
  { role: "user", content: [text("c"), text("d", mark)] }
]

/** Behind what cache points stand, in the order in which it is cached. */
const pointsOf = (members: object, cachePoints = 9): ReadonlyArray<string> => {
  const body: unknown = JSON.parse(
    encodeRequest(converted({ messages: conversation, ...members }, { cachePoints }), attempt)
  )
  assert.deepStrictEqual(checkBody(body), [])
  const { conversationState } = Schema.decodeUnknownSync(State)(body)
  const { currentMessage, history = [] } = conversationState
  const tools = currentMessage.userInputMessage.userInputMessageContext?.tools ?? []
  return [
    ...tools.flatMap((tool, index) => (tool.cachePoint === undefined ? [] : [`tool ${index}`])),
    ...[...history, currentMessage].flatMap(({ assistantResponseMessage: assistant, userInputMessage: user }) => {
      const said = user ?? assistant
      return said?.cachePoint === undefined ? [] : [said.content]
    })
  ]
}
const Point = Schema.optionalKey(Schema.Unknown)
const Said = Schema.Struct({ content: Schema.String, cachePoint: Point })
const State = Schema.Struct({
  conversationState: Schema.Struct({
    history: Schema.optionalKey(
      Schema.Array(
        Schema.Struct({
          userInputMessage: Schema.optionalKey(Said),
          assistantResponseMessage: Schema.optionalKey(Said)
        })
      )
    ),
    currentMessage: Schema.Struct({
      userInputMessage: Schema.Struct({
        ...Said.fields,
        userInputMessageContext: Schema.optionalKey(
          Schema.Struct({ tools: Schema.optionalKey(Schema.Array(Schema.Struct({ cachePoint: Point }))) })
        )
      }),
      assistantResponseMessage: Schema.optionalKey(Said)
    })
  })
})

const all = { tools: [{ name: "x" }, { name: "y", ...mark }, { name: "z" }], system: [text("S", mark)] }

describe("cache points", () => {
  it("stand behind what holds the client's breakpoints", () => {
    assert.deepStrictEqual(pointsOf(all), ["tool 2", "S", "a", "b", "c\nd"])
  })

  it("stand at the end where the client leaves it to the server", () => {
    const messages = [{ role: "user", content: "hi" }]
    assert.deepStrictEqual(pointsOf({ messages, ...mark }), ["hi"])
    assert.deepStrictEqual(pointsOf({ messages }), [])
  })

  it("stand behind a message that holds a tool's answer with a breakpoint inside", () => {
    const messages = [
      { role: "user", content: "q" },
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "x", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: [text("r", mark)] }] }
    ]
    assert.lengthOf(pointsOf({ tools: [{ name: "x" }], messages }), 1)
  })

  it("are the newest where there are more than the model takes, and none where it takes none", () => {
    assert.deepStrictEqual(pointsOf(all, 2), ["b", "c\nd"])
    assert.deepStrictEqual(pointsOf(all, 0), [])
    assert.isFalse(converted({ messages: conversation, ...all }, { cachePoints: 0 }).hasCachePoints)
    assert.isTrue(converted({ messages: conversation, ...all }, { cachePoints: 1 }).hasCachePoints)
  })
})
