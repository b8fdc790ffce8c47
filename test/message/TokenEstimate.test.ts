import { countTokens } from "@anthropic-ai/tokenizer"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { estimateText, TextCounter } from "../../src/message/TokenEstimate.ts"
import { root } from "../support/SourceFile.ts"

const piece = Schema.Union([
  Schema.Literals([
    "こんにちは",
    "漢字",
    "한국어",
    "😀",
    "𠀀",
    "é",
    "—",
    "plain words ",
    "\n\n",
    "3.14",
    "\ud83d",
    "\ude00"
  ]),
  Schema.String
])
const pieces = Arbitrary.array(Arbitrary.schema(piece), { maxLength: 12 })

const fileOf = (path: string) => readFileSync(join(root, path), "utf8")
const filesIn = (folder: string, ending: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => fileOf(`${folder}/${name}`))
    .join("\n")

const corpus = {
  English: filesIn("docs/decisions", ".md") + fileOf("LICENSE"),
  code: filesIn("src/credential", ".ts") + filesIn("src/upstream/kiro", ".ts"),
  Chinese: fileOf("test/fixtures/chinese.txt"),
  JSON: fileOf("package-lock.json")
}

describe("TokenEstimate", () => {
  for (const [name, text] of Object.entries(corpus)) {
    it(`is within a tenth of Anthropic's published tokenizer: ${name}`, () => {
      const counted = countTokens(text)
      const error = estimateText(text) / counted - 1
      assert.isBelow(Math.abs(error), 0.1, `${(error * 100).toFixed(1)} % of ${counted} tokens`)
    })
  }

  it("is zero for nothing and at least one for anything", () => {
    assert.strictEqual(estimateText(""), 0)
    for (const text of ["a", " ", "\n", "0", "漢", "\ude00"])
      assert.strictEqual(estimateText(text), Math.max(1, estimateText(text)))
  })

  it("counts words of a sentence about one each, and a character of two halves once", () => {
    assert.isAtMost(Math.abs(estimateText("The quick brown fox jumps over the lazy dog.") - 10), 2)
    assert.strictEqual(estimateText("😀".repeat(10)), 20)
    assert.strictEqual(estimateText("𠀀".repeat(10)), 9)
  })

  it("counts much of one kind as more than a little", () => {
    for (const one of ["\n", "\r\n", " \n", "\n\t", " ", "-", "a", "1"]) {
      assert.isAbove(estimateText(one.repeat(10_000)), 90, JSON.stringify(one))
    }
  })

  it.prop("fragments count as much as the whole, wherever it is cut", [pieces], ([pieces]) => {
    const whole = pieces.join("")
    const counter = new TextCounter()
    for (const unit of whole.split("")) counter.add(unit)
    assert.strictEqual(counter.tokens, estimateText(whole))
  })

  it.prop("never falls when something is added", [pieces, pieces], ([one, other]) => {
    assert.isAtLeast(estimateText([...one, ...other].join("")), estimateText(one.join("")))
  })

  const limit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
  it.prop("takes the longest beginning that is within a limit", [pieces, limit], ([pieces, limit]) => {
    const text = pieces.join("").toWellFormed()
    const counter = new TextCounter()
    const fits = counter.addWithin(text, limit)
    const characters = [...text]
    const kept = Array.from(text.slice(0, fits))
    assert.deepStrictEqual(kept, characters.slice(0, kept.length), "cut between code points")
    assert.isAtMost(counter.tokens, limit)
    assert.strictEqual(counter.tokens, estimateText(text.slice(0, fits)))
    if (fits < text.length) assert.isAbove(estimateText(characters.slice(0, kept.length + 1).join("")), limit)
  })
})
