import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ConfigError, formatPath, nearestKey } from "../../src/config/ConfigError.ts"

const keys = ["maxAttempts", "maxAttemptsPerCredential", "budget", "headerTimeout", "idleTimeout"]

describe("ConfigError", () => {
  it("is one line: the file, the line, the key, the reason", () => {
    const fields = { file: "weir.jsonc", line: 3, key: "pool.mode", reason: "is wrong" }
    assert.strictEqual(new ConfigError(fields).message, "weir.jsonc:3: pool.mode: is wrong")
    assert.strictEqual(new ConfigError({ ...fields, line: null }).message, "weir.jsonc: pool.mode: is wrong")
    assert.strictEqual(new ConfigError({ ...fields, key: "" }).message, "weir.jsonc:3: is wrong")
  })

  it("writes a path as an operator reads it", () => {
    assert.strictEqual(formatPath(["auth", "clientKeys", 0]), "auth.clientKeys[0]")
    assert.strictEqual(formatPath(["models", "routes", "claude-*", 1]), 'models.routes["claude-*"][1]')
    assert.strictEqual(formatPath([]), "")
    assert.strictEqual(formatPath(["a\nb"]), String.raw`["a\nb"]`)
    assert.isBelow(formatPath(["-".repeat(10_000)]).length, 80)
  })

  it("finds the key that was meant: letters missing, doubled, swapped, in another case", () => {
    assert.strictEqual(nearestKey("headerTimout", keys), "headerTimeout")
    assert.strictEqual(nearestKey("bugdet", keys), "budget")
    assert.strictEqual(nearestKey("MAXATTEMPTS", keys), "maxAttempts")
    assert.strictEqual(nearestKey("maxAttemptPerCredential", keys), "maxAttemptsPerCredential")
    assert.isUndefined(nearestKey("budget", []))
  })

  it.prop(
    "finds a known key itself, and always some known key",
    [Schema.Literals(keys), Schema.String],
    ([key, other]) => {
      assert.strictEqual(nearestKey(key, keys), key)
      assert.include(keys, nearestKey(other, keys))
    }
  )
})
