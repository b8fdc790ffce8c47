import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { StopSequences } from "../../src/codec/StopSequences.ts"

// Few letters, so that sequences overlap, repeat and nearly match.
const letters = (maxLength: number) =>
  Arbitrary.map(Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "b", "c"])), { maxLength }), (all) =>
    all.join("")
  )
const sequences = Arbitrary.array(letters(5), { maxLength: 4 })
const fragments = Arbitrary.array(letters(6), { maxLength: 12 })

/** The first end at which the text ends with a sequence, and the longest such sequence. */
const naive = (text: string, sequences: ReadonlyArray<string>) => {
  for (let end = 1; end <= text.length; end++) {
    const hits = sequences.filter((sequence) => sequence !== "" && text.slice(0, end).endsWith(sequence))
    if (hits.length > 0) return { sequence: hits.reduce((a, b) => (b.length > a.length ? b : a)), end }
  }
  return null
}

/** The longest end of the text that is a real beginning of a sequence. */
const naivePending = (text: string, sequences: ReadonlyArray<string>): number => {
  for (let length = text.length; length > 0; length--) {
    const end = text.slice(text.length - length)
    if (sequences.some((sequence) => sequence.length > length && sequence.startsWith(end))) return length
  }
  return 0
}

describe("StopSequences", () => {
  it.prop(
    "finds what a naive search of the whole text finds, wherever it is cut",
    [sequences, fragments],
    ([sequences, fragments]) => {
      const search = new StopSequences(sequences)
      let before = 0
      for (const fragment of fragments) {
        const match = search.push(fragment)
        if (match !== null) {
          const found = { sequence: match.sequence, end: before + match.end }
          assert.deepStrictEqual(found, naive(fragments.join(""), sequences))
          return
        }
        before += fragment.length
        assert.strictEqual(search.pending, naivePending(fragments.join("").slice(0, before), sequences))
      }
      assert.isNull(naive(fragments.join(""), sequences))
    }
  )

  it("is inactive without sequences, and with empty ones only", () => {
    assert.isFalse(new StopSequences([]).isActive)
    assert.isFalse(new StopSequences([""]).isActive)
    assert.isTrue(new StopSequences(["", "x"]).isActive)
  })

  it("forgets a beginning when it is reset", () => {
    const search = new StopSequences(["ab"])
    assert.isNull(search.push("a"))
    search.reset()
    assert.isNull(search.push("b"))
    assert.deepStrictEqual(search.push("ab"), { sequence: "ab", end: 2 })
  })

  it("takes time linear in the text even where everything nearly matches", () => {
    const search = new StopSequences(["a".repeat(50_000) + "b"])
    for (let at = 0; at < 100_000; at++) assert.isNull(search.push("aa"))
    assert.strictEqual(search.pending, 50_000)
    assert.isNotNull(search.push("b"))
  })
})
