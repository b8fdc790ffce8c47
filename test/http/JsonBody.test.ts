import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseJson } from "../../src/http/JsonBody.ts"

const parse = (text: string) => parseJson(new TextEncoder().encode(text))
const problem = (text: string) => Result.getOrThrow(Result.flip(parse(text)))

describe("a request's body", () => {
  it.prop("that is JSON is read as it is", [Schema.Json], ([value]) => {
    assert.deepStrictEqual(Result.getOrThrow(parse(JSON.stringify(value))), JSON.parse(JSON.stringify(value)))
  })

  it("that is not JSON is refused with line and column", () => {
    assert.strictEqual(
      problem(`{\n  "model": x\n}`),
      "the body is not valid JSON: something is wrong at line 2, column 12"
    )
  })

  it("that breaks off is refused at its end", () => {
    assert.strictEqual(problem(`{"model":`), "the body is not valid JSON: something is wrong at line 1, column 10")
  })

  it("that is empty or blank is refused as such", () => {
    assert.strictEqual(problem(""), problem(" \n"))
    assert.match(problem(""), /empty/)
  })

  it("that is not UTF-8 is refused rather than read wrongly", () => {
    assert.deepStrictEqual(parseJson(Uint8Array.of(0x22, 0xff, 0x22)), Result.fail("the body is not UTF-8"))
  })
})
