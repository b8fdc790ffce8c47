import { assert, describe, it } from "@effect/vitest"
import { Base64 } from "effect/encoding"
import { linesIn, saidIn } from "../../support/KiroConversion.ts"

const user = (content: unknown) => ({ role: "user", content })
const assistant = (content: unknown) => ({ role: "assistant", content })
const text = (text: string) => ({ type: "text", text })

describe("turns", () => {
  it("alternate already and stay as they are", () => {
    assert.deepStrictEqual(linesIn({ messages: [user("a"), assistant("b"), user("c")] }), [
      "user: a",
      "assistant: b",
      "user: c"
    ])
  })

  it("merge where one side speaks twice", () => {
    const messages = [user("a"), user("b"), assistant("c"), assistant("d"), user("e"), user([text("f"), text("g")])]
    assert.deepStrictEqual(linesIn({ messages }), ["user: a\nb", "assistant: c\n\nd", "user: e\nf\ng"])
  })

  it("begin on the user's side even if the client begins with the assistant", () => {
    const [first, ...others] = linesIn({ messages: [assistant("Welcome"), user("hi")] })
    assert.match(first ?? "", /^user: ./)
    assert.deepStrictEqual(others, ["assistant: Welcome", "user: hi"])
  })

  it("keep a prefill as the assistant's last words and ask to go on after them", () => {
    const lines = linesIn({ messages: [user("Give JSON"), assistant("{")] })
    assert.deepStrictEqual(lines.slice(0, 2), ["user: Give JSON", "assistant: {"])
    assert.match(lines[2] ?? "", /^user: Continue exactly where your last message ends/)
  })

  it("have no place for an assistant that says nothing", () => {
    assert.deepStrictEqual(linesIn({ messages: [user("a"), assistant(" "), user("b"), assistant([])] }), ["user: a\nb"])
  })

  it("are one placeholder where nobody says anything", () => {
    assert.deepStrictEqual(linesIn({ messages: [assistant("")] }), ["user: (no content)"])
    assert.deepStrictEqual(linesIn({ messages: [user("")] }), ["user: (no content)"])
  })
})

describe("a system message in mid-conversation", () => {
  it("stays in its place, marked", () => {
    const messages = [user("a"), { role: "system", content: "Be brief" }, assistant("b"), user("c")]
    assert.deepStrictEqual(linesIn({ messages }), ["user: a\n<system>\nBe brief\n</system>", "assistant: b", "user: c"])
  })

  it("does not part a tool's answer from its call", () => {
    const [, called, answered] = saidIn({
      messages: [
        user("a"),
        assistant([{ type: "tool_use", id: "t1", name: "Read", input: {} }]),
        { role: "system", content: [text("Be brief")] },
        user([{ type: "tool_result", tool_use_id: "t1", content: "x" }])
      ]
    })
    assert.strictEqual(called?.assistant?.toolUses?.[0]?.toolUseId, "t1")
    assert.strictEqual(answered?.user?.content, "<system>\nBe brief\n</system>")
    assert.strictEqual(answered?.user?.userInputMessageContext?.toolResults?.[0]?.toolUseId, "t1")
  })
})

describe("the assistant's text", () => {
  it("is joined without a break where blocks touch, and with one where they do not", () => {
    const content = [
      text("The sky is "),
      text("blue."),
      { type: "tool_use", id: "t1", name: "Look", input: {} },
      text("Now the sea.")
    ]
    const [, said] = saidIn({
      messages: [user("a"), assistant(content), user([{ type: "tool_result", tool_use_id: "t1", content: "x" }])]
    })
    assert.strictEqual(said?.assistant?.content, "The sky is blue.\n\nNow the sea.")
  })

  it("is a single space where there are only calls", () => {
    const [, said] = saidIn({
      messages: [
        user("a"),
        assistant([{ type: "tool_use", id: "t1", name: "Look", input: {} }]),
        user([{ type: "tool_result", tool_use_id: "t1" }])
      ]
    })
    assert.strictEqual(said?.assistant?.content, " ")
  })
})

describe("thinking", () => {
  const ask = (content: unknown, reasoning: "native" | "text" = "native") =>
    saidIn({ messages: [user("a"), assistant(content), user("b")] }, { reasoning })[1]?.assistant

  it("travels as signed reasoning if it is signed", () => {
    const said = ask([{ type: "thinking", thinking: "hmm", signature: "sig" }, text("yes")])
    assert.deepStrictEqual(said?.reasoningContent, { reasoningText: { text: "hmm", signature: "sig" } })
    assert.strictEqual(said?.content, "yes")
  })

  it("is never sent as signed reasoning if it is not", () => {
    for (const signature of ["", null]) {
      const said = ask([{ type: "thinking", thinking: "hmm", signature }, text("yes")])
      assert.isUndefined(said?.reasoningContent)
      assert.strictEqual(said?.content, "<thinking>hmm</thinking>\n\nyes")
    }
  })

  it("keeps the first signed block as reasoning and later ones as text", () => {
    const said = ask([
      { type: "thinking", thinking: "one", signature: "s1" },
      text("yes"),
      { type: "thinking", thinking: "two", signature: "s2" }
    ])
    assert.deepStrictEqual(said?.reasoningContent, { reasoningText: { text: "one", signature: "s1" } })
    assert.strictEqual(said?.content, "yes\n\n<thinking>two</thinking>")
  })

  it("is text alone where signatures are not to be sent", () => {
    const said = ask([{ type: "thinking", thinking: "hmm", signature: "sig" }], "text")
    assert.isUndefined(said?.reasoningContent)
    assert.strictEqual(said?.content, "<thinking>hmm</thinking>")
  })

  it("is left out where the client has only its signature", () => {
    const said = ask([{ type: "thinking", thinking: "", signature: "sig" }, text("yes")])
    assert.isUndefined(said?.reasoningContent)
    assert.strictEqual(said?.content, "yes")
  })

  it("has text beside it even if the model said nothing else", () => {
    const said = ask([{ type: "thinking", thinking: "hmm", signature: "sig" }])
    assert.strictEqual(said?.content, "(no content)")
  })

  it("travels redacted where none of it is readable", () => {
    const redacted = { type: "redacted_thinking", data: "AAEC" }
    assert.deepStrictEqual(ask([redacted, text("yes")])?.reasoningContent, { redactedContent: "AAEC" })
    assert.deepStrictEqual(
      ask([redacted, { type: "thinking", thinking: "hmm", signature: "sig" }, text("yes")])?.reasoningContent,
      { reasoningText: { text: "hmm", signature: "sig" } }
    )
    assert.isUndefined(ask([{ type: "redacted_thinking", data: "no base64!" }, text("yes")])?.reasoningContent)
  })
})

describe("a web search that the server ran", () => {
  const call = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } }
  const found = (encrypted_content: string) => ({
    type: "web_search_tool_result",
    tool_use_id: "srvtoolu_1",
    content: [
      { type: "web_search_result", title: "A title", url: "https://a.example", encrypted_content, page_age: "May 1" }
    ]
  })

  it("is a call and its answer, with the assistant going on after it", () => {
    const said = saidIn({ messages: [user("a"), assistant([text("b"), call, found(""), text("c")]), user("d")] })
    assert.deepStrictEqual(
      said.map(({ user, assistant }) => user?.content ?? assistant?.content),
      ["a", "b", "", "c", "d"]
    )
    assert.deepStrictEqual(said[1]?.assistant?.toolUses, [
      { toolUseId: "srvtoolu_1", name: "web_search", input: { query: "q" } }
    ])
    assert.deepStrictEqual(said[2]?.user?.userInputMessageContext?.toolResults, [
      { toolUseId: "srvtoolu_1", content: [{ text: "1. A title\nhttps://a.example\nMay 1" }], status: "success" }
    ])
  })

  it("answers in the next user message where the assistant says no more", () => {
    const messages = [user("a"), assistant([call, found("")]), user("d")]
    const said = saidIn({ messages })
    assert.strictEqual(said.length, 3)
    assert.strictEqual(said[2]?.user?.content, "d")
    assert.strictEqual(said[2]?.user?.userInputMessageContext?.toolResults?.length, 1)
  })

  it("is gone on with where the conversation pauses after it", () => {
    const said = saidIn({ messages: [user("a"), assistant([call, found("")])] })
    assert.strictEqual(said[2]?.user?.content, "")
    assert.strictEqual(said[2]?.user?.userInputMessageContext?.toolResults?.length, 1)
  })

  it("shows the excerpt where the gateway wrote it, and not what only Anthropic can read", () => {
    const answer = (encrypted: string) =>
      saidIn({ messages: [user("a"), assistant([call, found(encrypted)])] })[2]?.user?.userInputMessageContext
        ?.toolResults?.[0]?.content[0]?.text
    assert.strictEqual(answer(Base64.encode("Grüße")), "1. A title\nhttps://a.example\nMay 1\nGrüße")
    const opaque = Base64.encode(Uint8Array.of(0x12, 0xa8, 0x1f, 0x0a, 0x28, 0x08, 0x01))
    assert.strictEqual(answer(opaque), "1. A title\nhttps://a.example\nMay 1")
    assert.strictEqual(answer("not base64"), "1. A title\nhttps://a.example\nMay 1")
  })

  it("reports its failure as a failed call", () => {
    const failed = {
      type: "web_search_tool_result",
      tool_use_id: "srvtoolu_1",
      content: { type: "web_search_tool_result_error", error_code: "unavailable" }
    }
    const said = saidIn({ messages: [user("a"), assistant([call, failed, text("c")]), user("d")] })
    assert.deepStrictEqual(said[2]?.user?.userInputMessageContext?.toolResults, [
      { toolUseId: "srvtoolu_1", content: [{ text: "The search failed: unavailable" }], status: "error" }
    ])
  })
})

describe("other blocks", () => {
  it("of a type that nobody knows are sent as their JSON, without cache marks", () => {
    const block = { type: "holo", data: { x: 1 }, cache_control: { type: "ephemeral" } }
    assert.deepStrictEqual(linesIn({ messages: [user([text("a"), block])] }), [
      `user: a\n{"type":"holo","data":{"x":1}}`
    ])
    assert.deepStrictEqual(
      linesIn({ messages: [user("a"), assistant([text("b"), block, text("c")]), user("d")] })[1],
      ["assistant: b", `{"type":"holo","data":{"x":1}}`, "c"].join("\n\n")
    )
  })

  it("of a kind of thinking that nobody knows are left out", () => {
    const block = { type: "thinking_token_count", count: 3 }
    assert.deepStrictEqual(
      linesIn({ messages: [user("a"), assistant([block, text("b")]), user("c")] })[1],
      "assistant: b"
    )
  })

  it("that are search results are text", () => {
    const block = { type: "search_result", source: "https://a.example", title: "A", content: [text("x"), text("y")] }
    assert.deepStrictEqual(linesIn({ messages: [user([block])] }), [
      "user: [search result: A (https://a.example)]\nx\ny"
    ])
  })

  it("on the wrong side are text there", () => {
    const messages = [
      user([
        { type: "tool_use", id: "t1", name: "Look", input: { a: 1 } },
        { type: "thinking", thinking: "hmm", signature: "s" }
      ])
    ]
    assert.deepStrictEqual(linesIn({ messages }), [
      `user: [called the tool Look with {"a":1}]\n<thinking>hmm</thinking>`
    ])
  })
})
