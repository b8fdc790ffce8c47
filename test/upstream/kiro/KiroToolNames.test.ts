import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { sha256Hex } from "../../../src/message/Sha256.ts"
import { makeToolNames } from "../../../src/upstream/kiro/KiroToolNames.ts"

describe("a tool's name", () => {
  it("is sent as it is up to 63 characters", () => {
    const names = makeToolNames(sha256Hex)
    const name = "a".repeat(63)
    assert.strictEqual(names.define(name), name)
    assert.strictEqual(names.define("mcp__server-1__tool"), "mcp__server-1__tool")
  })

  it("is cut and told apart by its hash where it is longer", () => {
    const name = "mcp__some_very_long_server_name__some_very_long_tool_name_that_exceeds_limit"
    const names = makeToolNames(sha256Hex)
    assert.strictEqual(names.define(name), "mcp__some_very_long_server_name__some_very_long_tool_n_23b8a7e4")
    assert.strictEqual(names.clientNames.get("mcp__some_very_long_server_name__some_very_long_tool_n_23b8a7e4"), name)
  })

  it("keeps within 63 bytes whatever it is written in", () => {
    const names = makeToolNames(sha256Hex)
    for (const name of ["读取文件".repeat(20), "lire un fichier", "emoji😀", "a.b/c:d", " ", `${"ü".repeat(60)}x`]) {
      const sent = names.define(name)
      assert.match(sent, /^[a-zA-Z0-9_-]{1,63}$/)
      assert.strictEqual(names.clientNames.get(sent), name)
    }
  })

  it("is told apart from one that differs only by case, or looks like a shortened one", () => {
    const names = makeToolNames(sha256Hex)
    const long = "x".repeat(70)
    const decoy = `${"x".repeat(54)}_${sha256Hex(long).slice(0, 8)}`
    const sent = ["Read", "read", "READ", decoy, long].map((name) => names.define(name))
    assert.strictEqual(sent[0], "Read")
    assert.strictEqual(new Set(sent.map((name) => name.toLowerCase())).size, 5)
    assert.deepStrictEqual(
      sent.map((name) => names.clientNames.get(name)),
      ["Read", "read", "READ", decoy, long]
    )
  })

  it("is that of the defined tool where an earlier call writes it in another case", () => {
    const names = makeToolNames(sha256Hex)
    names.define("Read")
    assert.strictEqual(names.refer("read"), "Read")
    assert.strictEqual(names.refer("Gone"), "Gone")
    assert.strictEqual(names.refer("GONE"), "Gone")
    assert.deepStrictEqual(names.undefinedNames(), ["Gone"])
  })

  it.prop(
    "always fits, differs without regard to case and leads back",
    [Schema.Array(Schema.NonEmptyString).check(Schema.isMaxLength(12))],
    ([wanted]) => {
      const names = makeToolNames(sha256Hex)
      const unique = [...new Set([...wanted, ...wanted.map((name) => name.toUpperCase())])]
      const sent = unique.map((name) => names.define(name))
      assert.deepStrictEqual(
        sent.map((name) => names.clientNames.get(name)),
        unique
      )
      assert.strictEqual(new Set(sent.map((name) => name.toLowerCase())).size, unique.length)
      for (const name of sent) assert.match(name, /^[a-zA-Z0-9_-]{1,63}$/)
    }
  )
})
