import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { estimateText, TextCounter } from "../../src/message/TokenEstimate.ts"

const piece = Schema.Union([
  Schema.Literals(["こんにちは", "漢字", "한국어", "😀", "𠀀", "é", "—", "plain words ", "\ud83d", "\ude00"]),
  Schema.String
])
const pieces = Arbitrary.array(Arbitrary.schema(piece), { maxLength: 12 })

/** The same definition, written over code points and Unicode scripts. */
const naive = (text: string): number => {
  let cjk = 0
  let other = 0
  for (const character of text) {
    if (/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}\p{Script=Hangul}]/u.test(character)) cjk++
    else if (!/[\udc00-\udfff]/.test(character) || character.length === 2) other++
  }
  return Math.ceil((cjk * 2) / 3 + other / 4 - 1e-9)
}

describe("TokenEstimate", () => {
  it("weighs kana, ideographs and Hangul two thirds, all else a quarter, rounded up once", () => {
    assert.strictEqual(estimateText("こんにちは"), 4)
    assert.strictEqual(estimateText("aaaaaaaa"), 2)
    assert.strictEqual(estimateText("𠀀𠀀𠀀"), 2)
    assert.strictEqual(estimateText("😀😀😀😀"), 1)
    assert.strictEqual(estimateText("한국어"), 2)
    assert.strictEqual(estimateText("a漢b字c語"), 3)
  })

  it("is zero for nothing and at least one for anything", () => {
    assert.strictEqual(estimateText(""), 0)
    assert.strictEqual(estimateText("a"), 1)
  })

  it.prop("agrees with a count by Unicode scripts", [pieces], ([pieces]) => {
    // Planes without script in these blocks are left to the ranges: only what the pieces are made of is compared.
    const text = pieces
      .join("")
      .replace(
        /[^\u0000-\u024f\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}\p{Script=Hangul}\u{1f600}—]|[\u2e80-\u2fdf\u3000-\u303f\u3200-\u33ff]/gu,
        ""
      )
    assert.strictEqual(estimateText(text), naive(text))
  })

  it.prop("fragments count as much as the whole, wherever it is cut", [pieces], ([pieces]) => {
    const whole = pieces.join("")
    const counter = new TextCounter()
    for (const unit of whole.split("")) counter.add(unit)
    assert.strictEqual(counter.tokens, estimateText(whole))
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
