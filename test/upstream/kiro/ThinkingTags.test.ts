import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { ResponsePart } from "../../../src/message/ResponsePart.ts"
import { ThinkingTags } from "../../../src/upstream/kiro/ThinkingTags.ts"

/** What the chunks say: thinking in brackets, text bare, neighbours of one kind joined. */
const said = (chunks: ReadonlyArray<string>, isEnabled = true): string => {
  const tags = new ThinkingTags(isEnabled)
  let out = ""
  let kind = "text"
  const emit = (part: ResponsePart) => {
    if (!("text" in part)) throw new Error("neither text nor thinking")
    if (part.text === "") throw new Error("an empty part")
    if (part.kind !== kind) out += part.kind === "thinking" ? "[" : "]"
    kind = part.kind
    out += part.text
  }
  for (const chunk of chunks) tags.push(chunk, emit)
  tags.interrupt(emit)
  return kind === "thinking" ? `${out}]` : out
}

const pieces = Schema.Literals([
  "<thinking>",
  "</thinking>",
  "</thinking>\n\n",
  "\n",
  " ",
  "`",
  '"',
  "<",
  "</",
  "a",
  "漢😀",
  " ".repeat(70),
  "\n".repeat(300)
])
const texts = Arbitrary.map(Arbitrary.array(Arbitrary.schema(pieces), { maxLength: 12 }), (all) => all.join(""))
const cuts = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 }))), {
  maxLength: 40
})

const cut = (text: string, sizes: ReadonlyArray<number>): ReadonlyArray<string> => {
  const chunks: Array<string> = []
  let at = 0
  for (const size of sizes) {
    chunks.push(text.slice(at, at + size))
    at += size
  }
  return [...chunks, text.slice(at)].filter((chunk) => chunk !== "")
}

describe("ThinkingTags", () => {
  it("takes thinking out of text whose tags are cut", () => {
    assert.strictEqual(said(["<thin", "king>\nabc</thinking>", "\n\nHello"]), "[abc]Hello")
  })

  it("keeps a quoted closing tag inside the thinking", () => {
    assert.strictEqual(said(["<thinking>the `</thinking>` tag</thinking>\n\nDone"]), "[the `</thinking>` tag]Done")
  })

  it("leaves a quoted opening tag in the text", () => {
    assert.strictEqual(said(["Use `<thinking>` here"]), "Use `<thinking>` here")
    assert.strictEqual(said(['say "<thinking>" twice']), 'say "<thinking>" twice')
  })

  it("drops blank text before the opening tag and keeps other text", () => {
    assert.strictEqual(said([" \n", "<thinking>a</thinking>\n\nb"]), "[a]b")
    assert.strictEqual(said(["Well <thinking>a</thinking>\n\nb"]), "Well [a]b")
  })

  it("closes at the end of the text where only whitespace follows the tag", () => {
    assert.strictEqual(said(["<thinking>a</thinking>"]), "[a]")
    assert.strictEqual(said(["<thinking>a</thinking>\n"]), "[a]")
    assert.strictEqual(said(["<thinking>a</thinking> no"]), "[a</thinking> no]")
  })

  it("gives thinking that is never closed as thinking", () => {
    assert.strictEqual(said(["<thinking>a</thin"]), "[a</thin]")
  })

  it("looks for one block only", () => {
    assert.strictEqual(
      said(["<thinking>a</thinking>\n\nb <thinking>c</thinking>\n\n"]),
      "[a]b <thinking>c</thinking>\n\n"
    )
  })

  it("leaves everything as it is where thinking was not asked for", () => {
    assert.strictEqual(said(["<thinking>a</thinking>\n\nb"], false), "<thinking>a</thinking>\n\nb")
  })

  it.prop("says the same however the text is cut", [texts, cuts], ([text, sizes]) => {
    assert.strictEqual(said(cut(text, sizes)), said([text]))
    assert.strictEqual(said([...text]), said([text]))
  })

  it.prop("loses nothing but tags and the whitespace around them", [texts], ([text]) => {
    const bare = (some: string) => some.replaceAll(/\s|<thinking>|<\/thinking>|\[|\]/g, "")
    assert.strictEqual(bare(said([text])), bare(text))
  })
})
