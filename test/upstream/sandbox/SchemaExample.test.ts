import { assert, describe, it } from "@effect/vitest"
import { exampleOf } from "../../../src/upstream/sandbox/SchemaExample.ts"

const object = (properties: object, required: ReadonlyArray<string> = Object.keys(properties)) => ({
  type: "object",
  properties,
  required
})

const cases: ReadonlyArray<readonly [name: string, schema: unknown, example: unknown]> = [
  ["required members only", object({ a: { type: "boolean" }, b: { type: "null" } }, ["a"]), { a: false }],
  ["a member that is not described", object({}, ["a"]), { a: "words" }],
  ["a constant", { const: { a: 1 } }, { a: 1 }],
  ["the first of an enumeration", { type: "string", enum: ["x", "y"] }, "x"],
  ["the first of several types", { type: ["string", "null"] }, "words"],
  ["a string within its length", { type: "string", minLength: 7, maxLength: 7 }, "words.."],
  ["a shortened string", { type: "string", maxLength: 3 }, "wor"],
  ["a date", { type: "string", format: "date" }, "2000-01-01"],
  ["zero where it is allowed", { type: "number", minimum: -1, maximum: 1 }, 0],
  ["the least number", { type: "integer", minimum: 3 }, 3],
  ["a number above a bound", { type: "integer", exclusiveMinimum: 3 }, 4],
  ["a number below a bound", { type: "integer", exclusiveMaximum: -3 }, -4],
  ["a multiple", { type: "integer", minimum: 4, multipleOf: 5 }, 5],
  ["an empty array", { type: "array", items: { type: "string" } }, []],
  ["an array of the least length", { type: "array", items: { type: "string" }, minItems: 2 }, ["words", "words"]],
  ["the first alternative", { anyOf: [{ type: "integer" }, { type: "string" }] }, 0],
  [
    "what allOf adds",
    { allOf: [object({ a: { type: "integer" } }), object({ b: { type: "boolean" } })] },
    { a: 0, b: false }
  ],
  ["a reference", { ...object({ a: { $ref: "#/$defs/A~1B" } }), $defs: { "A/B": { type: "integer" } } }, { a: 0 }],
  ["nothing known", true, "words"]
]

describe("SchemaExample", () => {
  for (const [name, schema, example] of cases) {
    it(`gives ${name}`, () => {
      assert.deepStrictEqual(exampleOf(schema, "words"), example)
    })
  }

  it("ends where a schema does not", () => {
    const tree = { ...object({ a: { $ref: "#" }, b: { $ref: "#" } }) }
    const size = JSON.stringify(exampleOf(tree, "words")).length
    assert.isBelow(size, 64 * 1024 + 1)
    assert.isNull(exampleOf({ $ref: "#" }, "words"))
    assert.isNull(exampleOf({ const: "x".repeat(70_000) }, "words"))
    const nested = { type: "array", minItems: 1e9, items: { type: "array", minItems: 1e9, items: { type: "string" } } }
    assert.isBelow(JSON.stringify(exampleOf(nested, "words")).length, 64 * 1024 + 1)
  })
})
