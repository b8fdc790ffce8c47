import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { withMembers } from "../../src/codec/JsonText.ts"

const json = Arbitrary.schema(
  Schema.Struct({
    text: Schema.String,
    number: Schema.Int,
    list: Schema.Array(Schema.String),
    nested: Schema.Struct({ quoted: Schema.String, deep: Schema.Array(Schema.String) })
  })
)
const name = Arbitrary.schema(Schema.String)
const indent = Arbitrary.schema(Schema.Literals([0, 1, 2, 3]))

describe("JsonText", () => {
  it.prop(
    "sets what JSON.parse then reads, and nothing else",
    [json, name, json, indent],
    ([object, key, value, by]) => {
      const changed = withMembers(JSON.stringify(object, null, by), [], { [key]: value, list: null })
      assert.deepStrictEqual(
        JSON.parse(changed ?? ""),
        JSON.parse(JSON.stringify({ ...object, [key]: value, list: null }))
      )
    }
  )

  it.prop("leaves every other character as it was", [json, indent], ([object, by]) => {
    const text = JSON.stringify(object, null, by)
    const changed = withMembers(text, ["nested"], { quoted: 7 })
    assert.strictEqual(changed, text.replace(/("quoted": ?)"(?:[^"\\]|\\.)*"/, "$17"))
  })

  it("keeps digits, order and spaces, and sets what stands twice twice", () => {
    const text = ` {"a" : 1.50e3,"model":"x", "b":[{"model":"in"}, 12345678901234567890] ,"model" :"y"}\n`
    assert.strictEqual(
      withMembers(text, [], { model: "z" }),
      ` {"a" : 1.50e3,"model":"z", "b":[{"model":"in"}, 12345678901234567890] ,"model" :"z"}\n`
    )
  })

  it("adds to an object, also to an empty one, behind what is there", () => {
    assert.strictEqual(
      withMembers(`{"usage": {"n":1 } }`, ["usage"], { weir: { a: 1 } }),
      `{"usage": {"n":1 ,"weir":{"a":1}} }`
    )
    assert.strictEqual(withMembers("{}", [], { a: 1, b: "c" }), `{"a":1,"b":"c"}`)
  })

  it("knows a member by its name, however it is escaped", () => {
    assert.strictEqual(
      withMembers(`{"\\u006dodel":"x","q\\"":1}`, [], { model: 1, 'q"': 2 }),
      `{"\\u006dodel":1,"q\\"":2}`
    )
  })

  it("says so where there is no object", () => {
    assert.isNull(withMembers("[1]", [], { a: 1 }))
    assert.isNull(withMembers(`{"usage":null}`, ["usage"], { a: 1 }))
    assert.isNull(withMembers(`{"a":1}`, ["usage"], { a: 1 }))
  })
})
