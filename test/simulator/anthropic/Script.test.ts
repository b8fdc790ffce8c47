/** Scripts as text, and rules in use. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { RuleBook, type Situation } from "../../../src/simulator/anthropic/RuleBook.ts"
import { parseScript, type Rule } from "../../../src/simulator/anthropic/Script.ts"

const situation: Situation = {
  operation: "messages",
  callers: ["key-1", "name-1"],
  models: ["claude-opus-4-1", "claude-opus-4-1-20250805"],
  stream: true,
  text: "How is the weather?"
}

describe("a script", () => {
  it("is an array of rules or an object", () => {
    const rules = [{ content: [{ type: "novel", anything: [1] }], fail: "overloaded", failFirst: 2, cut: { bytes: 3 } }]
    const array = parseScript(JSON.stringify(rules))
    const object = parseScript(
      JSON.stringify({ rules, accounts: [{ token: "t" }], models: [{ id: "m" }], headers: { a: null } })
    )
    assert(Result.isSuccess(array) && Result.isSuccess(object))
    assert.deepStrictEqual<unknown>(array.success.rules, rules)
    assert.deepStrictEqual(object.success.accounts, [{ token: "t" }])
  })

  for (const [text, message] of [
    ["{", /not JSON/],
    ['{"rule":[]}', /^rule/],
    ['[{"contents":[]}]', /^rules.0.contents/],
    ['[{"fail":"tired"}]', /^rules.0.fail/],
    ['[{"match":"/(/"}]', /^rules.0.match/],
    ['[{"cut":{"events":1,"bytes":1}}]', /^rules.0.cut/],
    ['[{"content":[{"text":"x"}]}]', /^rules.0.content.0.type/]
  ] as const) {
    it(`is not ${text}`, () => {
      const parsed = parseScript(text)
      assert(Result.isFailure(parsed))
      assert.match(parsed.failure.message, message)
    })
  }
})

const few = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })))

describe("a rule", () => {
  const chosen = (rule: Rule, about: Partial<Situation> = {}) =>
    new RuleBook([rule]).choose({ ...situation, ...about }).rule === rule

  it("fits by text, account, model, operation and stream", () => {
    for (const rule of [
      { match: "weather" },
      { match: "/^how .* WEATHER/i" },
      { account: "key-1" },
      { account: "name-1" },
      { model: "claude-opus-4-1" },
      { model: "claude-opus-4-1-20250805" },
      { stream: true },
      { sse: "x" }
    ]) {
      assert.isTrue(chosen(rule), JSON.stringify(rule))
    }
    for (const rule of [
      { match: "news" },
      { account: "key-2" },
      { model: "m" },
      { stream: false },
      { json: 1 },
      { operation: "models" }
    ] as const) {
      assert.isFalse(chosen(rule), JSON.stringify(rule))
    }
  })

  it.prop(
    "is used for so many requests after so many, and fails the first of them",
    [few, few, few],
    ([skip, times, failFirst]) => {
      const book = new RuleBook([{ skip, times, fail: "internal", failFirst }])
      const uses = Array.from({ length: 12 }, () => book.choose(situation))
      assert.deepStrictEqual(
        uses.map(({ fail, rule }) => [rule.skip !== undefined, fail !== null]),
        uses.map((_, n) => [n >= skip && n < skip + times, n >= skip && n < skip + Math.min(times, failFirst)])
      )
    }
  )
})
