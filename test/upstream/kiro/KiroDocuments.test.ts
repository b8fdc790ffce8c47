import { assert, describe, it } from "@effect/vitest"
import { documentsOf, withDocumentTexts } from "../../../src/upstream/kiro/KiroDocuments.ts"
import { bodyOf, converted, linesIn, requestOf } from "../../support/KiroConversion.ts"

const pdf = (more: object = {}) => ({
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: "AAAA" },
  ...more
})
const members = {
  messages: [
    { role: "user", content: [{ type: "text", text: "read" }, pdf({ title: "One", context: "From Ann" })] },
    { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "Get", input: {} }] },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "t1",
          content: [
            { type: "text", text: "here" },
            { type: "document", source: { type: "text", media_type: "text/markdown", data: "# two" } }
          ]
        },
        { type: "document", source: { type: "content", content: "three" } },
        { type: "document", source: { type: "url", url: "https://a.example/x.pdf" } }
      ]
    }
  ]
}

describe("documents of a request", () => {
  it("are listed in order with where they stand and what they are", () => {
    assert.deepStrictEqual(documentsOf(requestOf(members)), [
      { path: "messages.0.content.1", title: "One", format: "pdf", data: { kind: "base64", base64: "AAAA" } },
      { path: "messages.2.content.0.content.1", title: null, format: "md", data: { kind: "text", text: "# two" } }
    ])
  })

  it("are replaced by texts under a heading, and nothing else changes", () => {
    const request = requestOf(members)
    const replaced = withDocumentTexts(request, ["Text of one", "# two"])
    assert.deepStrictEqual(documentsOf(replaced), [])
    assert.deepStrictEqual(replaced.messages[0].content, [
      { type: "text", text: "read" },
      { type: "text", text: `[document "One", pdf, 11 characters]\nFrom Ann\nText of one` }
    ])
    assert.deepStrictEqual(replaced.messages[1], request.messages[1])
    assert.deepStrictEqual(request, requestOf(members))
  })

  it("keep their cache marks when they become text", () => {
    const marked = requestOf({ messages: [{ role: "user", content: [pdf({ cache_control: { type: "ephemeral" } })] }] })
    assert.deepStrictEqual(withDocumentTexts(marked, ["x"]).messages[0].content, [
      { type: "text", text: "[document, pdf, 1 characters]\nx", cache_control: { type: "ephemeral" } }
    ])
  })

  it("reach a model that reads none once they are text", () => {
    const { messages } = withDocumentTexts(requestOf({ messages: members.messages.slice(0, 1) }), ["Text of one"])
    assert.match(linesIn({ messages }, { documents: "text" })[0] ?? "", /Text of one$/)
    assert.isUndefined(
      bodyOf(converted({ messages }, { documents: "text" })).conversationState.currentMessage.userInputMessage.documents
    )
  })
})
