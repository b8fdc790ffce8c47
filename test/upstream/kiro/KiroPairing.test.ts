import { assert, describe, it } from "@effect/vitest"
import { saidIn } from "../../support/KiroConversion.ts"

const user = (...content: ReadonlyArray<unknown>) => ({ role: "user", content })
const assistant = (...content: ReadonlyArray<unknown>) => ({ role: "assistant", content })
const text = (text: string) => ({ type: "text", text })
const call = (id: string, name = "Read", input: unknown = { path: id }) => ({ type: "tool_use", id, name, input })
const answer = (id: string, content?: unknown, is_error?: boolean) => ({
  type: "tool_result",
  tool_use_id: id,
  ...(content === undefined ? {} : { content }),
  ...(is_error === undefined ? {} : { is_error })
})
const results = (said: ReturnType<typeof saidIn>[number] | undefined) =>
  said?.user?.userInputMessageContext?.toolResults ?? []

describe("calls and answers", () => {
  it("travel as such where one follows the other", () => {
    const said = saidIn({ messages: [user(text("a")), assistant(call("t1")), user(answer("t1", "x"), text("b"))] })
    assert.deepStrictEqual(said[1]?.assistant?.toolUses, [{ toolUseId: "t1", name: "Read", input: { path: "t1" } }])
    assert.deepStrictEqual(results(said[2]), [{ toolUseId: "t1", content: [{ text: "x" }], status: "success" }])
    assert.strictEqual(said[2]?.user?.content, "b")
  })

  it("leave the message around them empty where it says nothing else", () => {
    const said = saidIn({ messages: [user(text("a")), assistant(call("t1")), user(answer("t1", "x"))] })
    assert.strictEqual(said[2]?.user?.content, "")
  })

  it("pair although answers come in several messages and in another order", () => {
    const said = saidIn({
      messages: [user(text("a")), assistant(call("t1"), call("t2")), user(answer("t2", "y")), user(answer("t1", "x"))]
    })
    assert.deepStrictEqual(
      results(said[2]).map((result) => result.toolUseId),
      ["t2", "t1"]
    )
  })

  it("say whether the call failed", () => {
    const said = saidIn({ messages: [user(text("a")), assistant(call("t1")), user(answer("t1", "boom", true))] })
    assert.strictEqual(results(said[2])[0]?.status, "error")
  })

  it("have text even where the tool gave none", () => {
    for (const content of [undefined, "", [], [text("")]]) {
      const said = saidIn({ messages: [user(text("a")), assistant(call("t1")), user(answer("t1", content))] })
      assert.deepStrictEqual(results(said[2])[0]?.content, [{ text: "(no content)" }])
    }
  })

  it("join the texts of an answer by lines", () => {
    const content = [text("x"), { type: "tool_reference", tool_name: "Write" }, text("y")]
    const said = saidIn({ messages: [user(text("a")), assistant(call("t1")), user(answer("t1", content))] })
    assert.strictEqual(results(said[2])[0]?.content[0]?.text, `x\n{"type":"tool_reference","tool_name":"Write"}\ny`)
  })
})

describe("what does not pair becomes text", () => {
  it("a call that nobody answered", () => {
    const said = saidIn({ messages: [user(text("a")), assistant(text("b"), call("t1")), user(text("c"))] })
    assert.isUndefined(said[1]?.assistant?.toolUses)
    assert.strictEqual(said[1]?.assistant?.content, `b\n\n[called the tool Read with {"path":"t1"}]`)
  })

  it("a call in the last message", () => {
    const said = saidIn({ messages: [user(text("a")), assistant(call("t1"))] })
    assert.strictEqual(said[1]?.assistant?.content, `[called the tool Read with {"path":"t1"}]`)
  })

  it("one call of two that nobody answered", () => {
    const said = saidIn({ messages: [user(text("a")), assistant(call("t1"), call("t2")), user(answer("t2", "y"))] })
    assert.deepStrictEqual(
      said[1]?.assistant?.toolUses?.map((use) => use.toolUseId),
      ["t2"]
    )
    assert.strictEqual(said[1]?.assistant?.content, `[called the tool Read with {"path":"t1"}]`)
  })

  it("an answer to no call", () => {
    const said = saidIn({ messages: [user(answer("t9", "x"), text("b"))] })
    assert.deepStrictEqual(results(said[0]), [])
    assert.strictEqual(said[0]?.user?.content, "[result of the tool call t9]\nx\nb")
  })

  it("an answer that comes a turn late", () => {
    const said = saidIn({
      messages: [
        user(text("a")),
        assistant(call("t1")),
        user(text("b")),
        assistant(text("c")),
        user(answer("t1", "x", true))
      ]
    })
    assert.isUndefined(said[1]?.assistant?.toolUses)
    assert.deepStrictEqual(results(said[4]), [])
    assert.strictEqual(said[4]?.user?.content, "[failed result of the tool call t1]\nx")
  })

  it("a second answer to one call", () => {
    const said = saidIn({
      messages: [user(text("a")), assistant(call("t1")), user(answer("t1", "x"), answer("t1", "y"))]
    })
    assert.deepStrictEqual(
      results(said[2]).map((result) => result.content[0]?.text),
      ["x"]
    )
    assert.strictEqual(said[2]?.user?.content, "[result of the tool call t1]\ny")
  })

  it("a second call with the id of the first", () => {
    const said = saidIn({
      messages: [
        user(text("a")),
        assistant(call("t1", "Read", { n: 1 }), call("t1", "Read", { n: 2 })),
        user(answer("t1", "x"))
      ]
    })
    assert.deepStrictEqual(
      said[1]?.assistant?.toolUses?.map((use) => use.input),
      [{ n: 1 }]
    )
    assert.strictEqual(said[1]?.assistant?.content, `[called the tool Read with {"n":2}]`)
  })
})

describe("ids of calls", () => {
  it("used again in a later turn are told apart, the same way every time", () => {
    const messages = [
      user(text("a")),
      assistant(call("call_1")),
      user(answer("call_1", "x")),
      assistant(call("call_1")),
      user(answer("call_1", "y"))
    ]
    const ids = (count: number) =>
      saidIn({ messages: [...messages, assistant(text("z")), user(text("more"))].slice(0, count) }).flatMap(
        ({ assistant }) => assistant?.toolUses?.map((use) => use.toolUseId) ?? []
      )
    const [first, second] = ids(5)
    assert.strictEqual(first, "call_1")
    assert.notStrictEqual(second, "call_1")
    assert.deepStrictEqual(ids(7), [first, second])
  })

  it("that the upstream refuses are replaced in call and answer alike", () => {
    const id = "call:1/ü"
    const said = saidIn({ messages: [user(text("a")), assistant(call(id)), user(answer(id, "x"))] })
    const sent = said[1]?.assistant?.toolUses?.[0]?.toolUseId ?? ""
    assert.match(sent, /^[a-zA-Z0-9_-]{1,64}$/)
    assert.strictEqual(results(said[2])[0]?.toolUseId, sent)
  })
})

it("an input that is no object is put into one", () => {
  for (const [input, sent] of [
    [null, {}],
    ["x", { input: "x" }],
    [[1], { input: [1] }]
  ]) {
    const said = saidIn({ messages: [user(text("a")), assistant(call("t1", "Read", input)), user(answer("t1", "x"))] })
    assert.deepStrictEqual(said[1]?.assistant?.toolUses?.[0]?.input, sent)
  }
})
