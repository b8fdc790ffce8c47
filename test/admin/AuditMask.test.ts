import { assert, describe, it } from "@effect/vitest"
import { DateTime, Redacted, Schema } from "effect"
import { difference, masked, toldPath } from "../../src/admin/AuditMask.ts"

describe("what a change is told by", () => {
  it("is the members that differ", () => {
    const before = { id: "a", priority: 1, tags: [1, 2], gone: true }
    assert.deepStrictEqual(difference(before, { id: "a", priority: 2, tags: [1, 2], more: null }), {
      before: { priority: 1, gone: true },
      after: { priority: 2, more: null }
    })
    assert.deepStrictEqual(difference(null, before), { before: null, after: before })
  })

  it("has no value under the name of a secret, however deep it stands", () => {
    const names = [
      "refreshToken",
      "access_token",
      "clientSecret",
      "apiKey",
      "x-api-key",
      "password",
      "proxyPassword",
      "key",
      "authorization",
      "username",
      "masterKey",
      "token",
      "kiroApiKey",
      "authToken"
    ]
    const secrets = Object.fromEntries(names.map((name) => [name, "MARK"]))
    assert.notInclude(JSON.stringify(masked({ a: [{ b: secrets }], ...secrets })), "MARK")
    assert.notInclude(JSON.stringify(masked({ a: Redacted.make("MARK"), text: "Bearer MARKMARKMARKMARK" })), "MARK")
  })

  it("keeps figures and names that are none", () => {
    const told = { input_tokens: 5, keyId: "k", tokensPerMinute: 9, at: DateTime.makeUnsafe(0), list: [null, true] }
    assert.deepStrictEqual(masked(told), { ...told, at: "1970-01-01T00:00:00.000Z" })
  })

  it.prop("is JSON of at most 16,384 characters, whatever it was", [Schema.Unknown], ([value]) => {
    const told = masked([value, value])
    assert.strictEqual(JSON.stringify(JSON.parse(JSON.stringify(told))), JSON.stringify(told))
    assert.isAtMost(JSON.stringify(told).length, 16_384)
  })

  it("is cut where it is large or deep", () => {
    assert.deepStrictEqual(masked(Array.from({ length: 200 }, () => "x".repeat(500))), { truncated: true })
    let deep: unknown = 1
    for (let n = 0; n < 100; n++) deep = { deep }
    assert.include(JSON.stringify(masked(deep)), "…")
  })

  it("has a path without its query", () => {
    assert.strictEqual(toldPath("/api/admin/credentials?x=sk-ant-1234567"), "/api/admin/credentials")
    assert.isAtMost(toldPath(`/${"a".repeat(5_000)}`).length, 512)
  })
})
