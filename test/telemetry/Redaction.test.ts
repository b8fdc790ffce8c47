import { assert, describe, it } from "@effect/vitest"
import { cut, forLog, redact, upstreamTextLimit } from "../../src/telemetry/Redaction.ts"

const secret = "abcdefghijklmnopqrstuvwxyz0123456789"

describe("redact", () => {
  const leaks: ReadonlyArray<readonly [string, string]> = [
    ["a member", JSON.stringify({ accessToken: secret })],
    ["a snake-case member", JSON.stringify({ refresh_token: secret })],
    ["a client's secret", JSON.stringify({ "client-secret": secret })],
    ["an API key", JSON.stringify({ kiroApiKey: secret, "x-api-key": secret })],
    ["a header", `authorization: Bearer ${secret}`],
    ["a Kiro key", `ksk_${secret}`],
    ["a form", `grant_type=refresh_token&refresh_token=${secret}&client_id=c`],
    ["JSON in a string of JSON", JSON.stringify({ message: JSON.stringify({ refreshToken: secret }) })],
    ["a member that is cut off", `{"idToken": "${secret}`]
  ]

  for (const [name, text] of leaks) {
    it(`takes the secret out of ${name}`, () => {
      assert.notInclude(redact(text), secret.slice(0, 12))
      assert.include(redact(text), "<redacted>")
    })
  }

  it("leaves other text alone and cuts it on a code point", () => {
    assert.strictEqual(redact("Improperly formed request."), "Improperly formed request.")
    assert.strictEqual(redact("😀".repeat(600)).length, upstreamTextLimit)
    assert.isTrue(redact(`a${"😀".repeat(600)}`).isWellFormed())
  })
})

describe("forLog", () => {
  it("escapes control characters and cuts to 256 characters", () => {
    assert.strictEqual(forLog("a\nb\u001b[31m"), "a\\u000ab\\u001b[31m")
    assert.strictEqual(forLog("\n".repeat(999)).length, 256)
  })
})

describe("cut", () => {
  it("never leaves half a surrogate pair", () => {
    assert.strictEqual(cut("a😀", 2), "a")
    assert.strictEqual(cut("a😀", 3), "a😀")
  })
})
