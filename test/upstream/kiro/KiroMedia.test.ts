import { assert, describe, it } from "@effect/vitest"
import { Base64 } from "effect/encoding"
import { linesIn, refusalOf, saidIn } from "../../support/KiroConversion.ts"

const messages = (...content: ReadonlyArray<unknown>) => [{ role: "user", content }]
const image = (media_type = "image/png", data = "iVBORw0K") => ({
  type: "image",
  source: { type: "base64", media_type, data }
})
const text = (text: string) => ({ type: "text", text })
const file = (media_type: string, data: string, more: object = {}) => ({
  type: "document",
  source: { type: "base64", media_type, data },
  ...more
})
const inCall = (...content: ReadonlyArray<unknown>) => [
  { role: "user", content: "a" },
  { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "Shot", input: {} }] },
  { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content }] }
]

describe("an image", () => {
  it("of each supported type stands on its message", () => {
    for (const [type, format] of [
      ["image/png", "png"],
      ["image/jpeg", "jpeg"],
      ["image/gif", "gif"],
      ["IMAGE/WebP", "webp"]
    ]) {
      const [said] = saidIn({ messages: messages(text("look"), image(type)) })
      assert.deepStrictEqual(said?.user?.images, [{ format: format ?? "", source: { bytes: "iVBORw0K" } }])
    }
  })

  it("whose bytes are another format than its media type is refused by its path; unknown bytes are the upstream's to judge", () => {
    const png = "iVBORw0KGgoAAAAN"
    assert.deepStrictEqual(refusalOf({ messages: messages(image("image/jpeg", png)) }), {
      path: "messages.0.content.0.source.media_type",
      message: "the image is declared as image/jpeg, but its bytes are image/png"
    })
    assert.strictEqual(saidIn({ messages: messages(image("image/png", png)) })[0]?.user?.images?.[0]?.format, "png")
    assert.strictEqual(saidIn({ messages: messages(image("image/gif", "AAAA")) })[0]?.user?.images?.[0]?.format, "gif")
  })

  it("alone has words beside it, because the upstream refuses empty ones", () => {
    assert.deepStrictEqual(linesIn({ messages: messages(image()) }), ["user: (See the attachment.)"])
  })

  it("inside a tool's answer moves to the message and is mentioned in its place", () => {
    const said = saidIn({ messages: inCall(text("before"), image(), image("image/gif")) })
    assert.deepStrictEqual(
      said[2]?.user?.images?.map((each) => each.format),
      ["png", "gif"]
    )
    assert.strictEqual(
      said[2]?.user?.userInputMessageContext?.toolResults?.[0]?.content[0]?.text,
      "before\n[image 1 of this message]\n[image 2 of this message]"
    )
  })

  it("by address or file id is refused by its path", () => {
    assert.deepStrictEqual(
      refusalOf({
        messages: messages(text("a"), { type: "image", source: { type: "url", url: "https://a.example/x.png" } })
      }),
      {
        path: "messages.0.content.1.source",
        message: "an image by url is not supported by this upstream; send it as base64"
      }
    )
    const byFile = { type: "image", source: { type: "file", file_id: "f" } }
    assert.strictEqual(refusalOf({ messages: inCall(byFile) }).path, "messages.2.content.0.content.0.source")
  })

  it("of another type, empty, or too large is refused by its path", () => {
    assert.strictEqual(
      refusalOf({ messages: messages(image("image/bmp")) }).path,
      "messages.0.content.0.source.media_type"
    )
    assert.strictEqual(
      refusalOf({ messages: messages(image("image/png", "")) }).path,
      "messages.0.content.0.source.data"
    )
    const largest = "A".repeat(13_981_012)
    assert.strictEqual(saidIn({ messages: messages(image("image/png", largest)) })[0]?.user?.images?.length, 1)
    assert.strictEqual(
      refusalOf({ messages: messages(image("image/png", `${largest}AAAA`)) }).path,
      "messages.0.content.0.source.data"
    )
  })

  it("is one of at most ten in a message, and of any number in a conversation", () => {
    const ten = Array.from({ length: 10 }, () => image())
    const turns = (count: number) =>
      Array.from({ length: count }, () => [
        { role: "user", content: ten },
        { role: "assistant", content: "seen" }
      ]).flat()
    assert.strictEqual(saidIn({ messages: [...turns(3), { role: "user", content: "and?" }] }).length, 7)
    assert.deepStrictEqual(refusalOf({ messages: messages(...ten, image()) }), {
      path: "messages.0.content.10",
      message: "more than 10 images in one message"
    })
  })
})

describe("a document", () => {
  it("that is a file stands on its message under a name that may be sent", () => {
    const [said] = saidIn({
      messages: messages(text("read"), file("application/pdf", "JVBERi0x", { title: "report_v2.pdf" }))
    })
    assert.deepStrictEqual(said?.user?.documents, [
      { name: "report v2 pdf", format: "pdf", source: { bytes: "JVBERi0x" } }
    ])
    assert.strictEqual(said?.user?.content, "read\n[document report v2 pdf: report_v2.pdf]")
  })

  it("is in each format that the upstream takes", () => {
    const format = (type: string) => saidIn({ messages: messages(file(type, "AAAA")) })[0]?.user?.documents?.[0]?.format
    assert.strictEqual(format("text/csv"), "csv")
    assert.strictEqual(format("text/markdown; charset=utf-8"), "md")
    assert.strictEqual(format("text/x-python"), "txt")
    assert.strictEqual(format("application/vnd.openxmlformats-officedocument.wordprocessingml.document"), "docx")
    assert.strictEqual(
      refusalOf({ messages: messages(file("application/zip", "AAAA")) }).path,
      "messages.0.content.0.source.media_type"
    )
    assert.strictEqual(
      refusalOf({ messages: messages(file("application/pdf", "")) }).path,
      "messages.0.content.0.source.data"
    )
  })

  it("has a name of its own even if another has the same title, or none", () => {
    const documents = ["A b", "a B", undefined, null, "🙂"].map((title) =>
      file("application/pdf", "AAAA", title === undefined ? {} : { title })
    )
    const [said] = saidIn({ messages: messages(...documents) })
    assert.deepStrictEqual(
      said?.user?.documents?.map((each) => each.name),
      ["A b", "a B (2)", "document", "document (2)", "document (3)"]
    )
  })

  it("is one of at most five in a message, and of 4.5 MiB", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => file("text/csv", "aGk=", { title: `d${n}` }))
    assert.lengthOf(saidIn({ messages: messages(...many(5)) })[0]?.user?.documents ?? [], 5)
    assert.deepStrictEqual(refusalOf({ messages: messages(...many(6)) }), {
      path: "messages.0.content.5",
      message: "more than 5 documents in one message"
    })
    const large = file("application/pdf", "A".repeat(6_400_000))
    assert.strictEqual(refusalOf({ messages: messages(large) }).path, "messages.0.content.0.source.data")
  })

  it("of plain text is sent as a text file, with its context beside it", () => {
    const source = { type: "text", media_type: "text/plain", data: "Grüße" }
    const [said] = saidIn({ messages: messages({ type: "document", source, title: "Greeting", context: "From Ann" }) })
    assert.deepStrictEqual(said?.user?.documents, [
      { name: "Greeting", format: "txt", source: { bytes: Base64.encode("Grüße") } }
    ])
    assert.strictEqual(said?.user?.content, "[document Greeting]\nFrom Ann")
  })

  it("of content blocks is text and images", () => {
    const source = { type: "content", content: [text("one"), image(), text("two")] }
    const [said] = saidIn({ messages: messages({ type: "document", source, title: "T" }) })
    assert.strictEqual(said?.user?.content, "[document: T]\none\ntwo")
    assert.strictEqual(said?.user?.images?.length, 1)
  })

  it("inside a tool's answer moves to the message and is mentioned in its place", () => {
    const said = saidIn({ messages: inCall(file("application/pdf", "AAAA", { title: "A" })) })
    assert.strictEqual(said[2]?.user?.documents?.length, 1)
    assert.strictEqual(said[2]?.user?.userInputMessageContext?.toolResults?.[0]?.content[0]?.text, "[document A]")
  })

  it("by address or file id is refused by its path", () => {
    const byUrl = { type: "document", source: { type: "url", url: "https://a.example/x.pdf" } }
    assert.strictEqual(refusalOf({ messages: messages(byUrl) }).path, "messages.0.content.0.source")
  })

  it("that is a file is refused where documents have to be text, and one of text is not", () => {
    const pdf = { messages: messages(file("application/pdf", "AAAA")) }
    assert.strictEqual(refusalOf(pdf, { documents: "text" }).path, "messages.0.content.0.source")
    const source = { type: "text", media_type: "text/plain", data: "hello" }
    assert.deepStrictEqual(
      linesIn({ messages: messages({ type: "document", source, title: "T" }) }, { documents: "text" }),
      ["user: [document: T]\nhello"]
    )
  })
})
