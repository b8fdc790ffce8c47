import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { type Jsonc, type JsoncFault, parseJsonc } from "../../src/config/Jsonc.ts"

const read = (text: string): Jsonc | undefined => Result.getOrUndefined(parseJsonc(text))
const fault = (text: string): JsoncFault | undefined => {
  const parsed = parseJsonc(text)
  return Result.isFailure(parsed) ? parsed.failure : undefined
}

describe("Jsonc", () => {
  it("reads comments, trailing commas and a byte order mark", () => {
    const text = '\uFEFF// head\n{ "a": [1, 2,], /* in\nbetween */ "b": "// no comment", }'
    assert.deepStrictEqual(read(text)?.value, { a: [1, 2], b: "// no comment" })
  })

  it("knows the line of each value, or of the nearest around one that is not there", () => {
    const source = read('{\n  "pool": {\r\n    "mode": "x",\n    "list": [\n      1,\n      2\n    ]\n  }\n}')
    assert.strictEqual(source?.lineOf(["pool"]), 2)
    assert.strictEqual(source?.lineOf(["pool", "mode"]), 3)
    assert.strictEqual(source?.lineOf(["pool", "list", 1]), 6)
    assert.strictEqual(source?.lineOf(["pool", "absent"]), 2)
    assert.strictEqual(source?.lineOf(["absent"]), 1)
  })

  it("names the line of what is no JSON", () => {
    assert.deepStrictEqual(fault('{\n  "a": 1\n  "b": 2\n}'), { line: 3, reason: "is not JSON: comma expected" })
    assert.match(fault("")?.reason ?? "", /is not JSON/)
    assert.match(fault('{ "a": 1 } {}')?.reason ?? "", /is not JSON/)
    assert.match(fault("{ 'a': 1 }")?.reason ?? "", /is not JSON/)
    assert.match(fault('{ "a": NaN }')?.reason ?? "", /is not JSON/)
  })

  it("refuses a key that stands twice in one object, and says where", () => {
    assert.deepStrictEqual(fault('{\n  "a": { "x": 1,\n    "x": 2 }\n}'), {
      line: 3,
      reason: 'the key "x" stands twice in one object'
    })
    assert.deepStrictEqual(read('{ "a": { "x": 1 }, "b": { "x": 1 } }')?.value, { a: { x: 1 }, b: { x: 1 } })
  })

  it("reads 32 levels and refuses more before it reads them", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)
    assert.isDefined(read(nested(32)))
    assert.deepStrictEqual(fault(`\n${nested(33)}`), {
      line: 2,
      reason: "objects and arrays stand more than 32 deep"
    })
    assert.match(fault("[".repeat(500_000))?.reason ?? "", /32 deep/)
    assert.deepStrictEqual(read(`"${nested(40)}" // ${nested(40)}`)?.value, nested(40))
  })

  it("refuses a text of more than a mebibyte", () => {
    assert.match(fault(" ".repeat(1024 * 1024 + 1))?.reason ?? "", /is longer than 1048576 characters/)
  })

  it("takes a key named __proto__ for a key like any other", () => {
    const value = read('{ "__proto__": { "polluted": true } }')?.value
    assert.deepStrictEqual(JSON.stringify(value), '{"__proto__":{"polluted":true}}')
    assert.isFalse("polluted" in {})
  })

  it.prop("reads whatever JSON.stringify writes", [Schema.Record(Schema.String, Schema.Json)], ([value]) => {
    const text = JSON.stringify(value, null, 2)
    const parsed = parseJsonc(text)
    if (Result.isSuccess(parsed)) assert.strictEqual(JSON.stringify(parsed.success.value, null, 2), text)
    else assert.match(parsed.failure.reason, /32 deep|longer than/)
  })
})
