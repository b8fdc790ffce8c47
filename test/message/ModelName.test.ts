import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { asksForThinking, canonicalModel } from "../../src/message/ModelName.ts"

const names: ReadonlyArray<readonly [name: string, canonical: string]> = [
  ["claude-sonnet-4-5-20250929", "claude-sonnet-4.5"],
  ["claude-sonnet-4-5-20250929-thinking[1m]", "claude-sonnet-4.5"],
  ["claude-sonnet-4.5", "claude-sonnet-4.5"],
  ["claude-haiku-4-5-latest", "claude-haiku-4.5"],
  ["claude-haiku-4-5-latest-thinking", "claude-haiku-4.5"],
  ["claude-haiku-4-5-thinking-latest", "claude-haiku-4.5"],
  ["claude-3-5-haiku-latest", "claude-3-5-haiku"],
  ["claude-3-5-haiku-20241022", "claude-3-5-haiku"],
  ["claude-opus-4-latest", "claude-opus-4"],
  ["claude-latest-sonnet", "claude-latest-sonnet"],
  ["mistral-latest", "mistral-latest"],
  ["mistral-latest-thinking", "mistral-latest"],
  ["-latest", "-latest"]
]

const Piece = Schema.Literals([
  "claude-",
  "sonnet",
  "-",
  "4",
  "-20250929",
  "-thinking",
  "[1m]",
  "gpt",
  "-4-5",
  "-latest"
])

describe("canonicalModel", () => {
  for (const [name, canonical] of names) {
    it(`is ${canonical} of ${name}`, () => {
      assert.strictEqual(canonicalModel(name), canonical)
    })
  }

  it.prop("is itself of a canonical name, and never nothing", [Schema.Array(Piece)], ([pieces]) => {
    const name = pieces.join("")
    const canonical = canonicalModel(name)
    assert.strictEqual(canonicalModel(canonical), canonical)
    assert.strictEqual(canonical === "", name === "")
  })

  it.prop("does not depend on the order of what is appended", [Schema.Array(Piece)], ([pieces]) => {
    const ends = pieces.filter((piece) => piece === "-thinking" || piece === "-latest" || piece === "-20250929")
    assert.strictEqual(canonicalModel(`claude-opus-4-6${ends.join("")}`), "claude-opus-4.6")
  })
})

describe("asksForThinking", () => {
  it("looks past a release and past other suffixes", () => {
    for (const name of ["claude-haiku-4-5-thinking", "claude-haiku-4-5-thinking-latest", "x_thinking[1m]-20250929"]) {
      assert.isTrue(asksForThinking(name), name)
    }
    for (const name of ["claude-haiku-4-5-latest", "thinking-latest-model", "claude-thinking-4"]) {
      assert.isFalse(asksForThinking(name), name)
    }
  })
})
