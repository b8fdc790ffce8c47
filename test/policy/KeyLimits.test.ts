import { assert, describe, it } from "@effect/vitest"
import { isExpired, mayUse } from "../../src/policy/KeyLimits.ts"

describe("mayUse", () => {
  const cases: ReadonlyArray<
    readonly [models: ReadonlyArray<string> | null, name: string, resolved: string, expected: boolean]
  > = [
    [null, "anything", "anything", true],
    [["claude-sonnet-*"], "claude-sonnet-4-5-20250929", "claude-sonnet-4.5", true],
    [["claude-sonnet-4.5"], "claude-sonnet-4-5-20250929", "claude-sonnet-4.5", true],
    [["claude-sonnet-4-5"], "claude-sonnet-4-5-thinking", "claude-sonnet-4.5", true],
    [["my-model"], "my-model", "claude-opus-4.8", true],
    [["claude-opus-*"], "my-model", "claude-opus-4.8", true],
    [["claude-haiku-*", "*-opus-*"], "claude-opus-4-8", "claude-opus-4.8", true],
    [["claude-haiku-*"], "claude-opus-4-8", "claude-opus-4.8", false],
    [["claude-opus"], "claude-opus-4-8", "claude-opus-4.8", false],
    [["CLAUDE-*"], "claude-opus-4-8", "claude-opus-4.8", false]
  ]
  for (const [models, name, resolved, expected] of cases) {
    it(`${name} with ${JSON.stringify(models)}: ${expected}`, () => {
      assert.strictEqual(mayUse({ models }, name, resolved), expected)
    })
  }
})

describe("isExpired", () => {
  it("is so from the moment on that was set", () => {
    assert.deepStrictEqual(
      [999, 1_000, 1_001].map((now) => isExpired({ expiresAt: 1_000 }, now)),
      [false, true, true]
    )
    assert.isFalse(isExpired({ expiresAt: null }, Number.MAX_SAFE_INTEGER))
  })
})
