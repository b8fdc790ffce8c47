/** `weir credentials import` and `list`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { folder, run } from "./WeirProcess.ts"

const refreshToken = `refresh-${"x".repeat(100)}`

describe("weir credentials", () => {
  it.live("imports a file once, one line for each row and a summary, and lists the pool", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const rows = [
        { refreshToken, authMethod: "social", priority: 3 },
        { kiroApiKey: "ksk_0123456789abcdef" },
        { refreshToken, authMethod: "social" },
        { refreshToken: "short" },
        { kiroApiKey: "ksk_disabled", disabled: true }
      ]
      yield* Effect.promise(() => writeFile(join(cwd, "credentials.json"), JSON.stringify(rows)))
      const first = yield* run(cwd, ["credentials", "import", "credentials.json"])
      assert.strictEqual(first.code, 1, "a row was refused")
      const lines = first.stdout.trim().split("\n")
      assert.lengthOf(lines, 6)
      for (const [index, pattern] of [
        /^row 1: added/,
        /^row 2: added/,
        /^row 3: duplicate/,
        /^row 4: invalid.*refreshToken/,
        /^row 5: added/,
        /^3 added, 1 duplicate, 1 invalid$/
      ].entries()) {
        assert.match(lines[index] ?? "", pattern)
      }
      const again = yield* run(cwd, ["credentials", "import", "credentials.json"])
      assert.match(again.stdout, /0 added, 4 duplicate, 1 invalid\n$/)

      const listed = yield* run(cwd, ["credentials", "list"])
      assert.strictEqual(listed.code, 0, listed.stderr)
      const [heading, ...credentials] = listed.stdout.trim().split("\n")
      assert.match(heading ?? "", /^ID +KIND +PRIORITY +STATE +WHY +UNTIL$/)
      assert.lengthOf(credentials, 3)
      assert.match(listed.stdout, /social +3 +ready/)
      assert.match(listed.stdout, /api_key +0 +disabled +manual/)
      for (const secret of [refreshToken, "ksk_0123456789abcdef", "short"]) {
        assert.notInclude(first.stdout + first.stderr + again.stdout + listed.stdout, secret)
      }
    })
  )

  it.live("imports Anthropic keys, also from the environment, and lists them", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const files = {
        "weir.jsonc": {
          upstreams: [
            { id: "kiro", kind: "kiro" },
            { id: "anthropic", kind: "anthropic" }
          ]
        },
        "keys.json": [
          { kind: "anthropic", apiKey: "env:KEY_OF_MINE", priority: 2 },
          { kind: "anthropic", auth_token: "a-bearer-token" },
          { apiKey: "sk-ant-of-the-environment" },
          { kind: "anthropic", apiKey: "env:KEY_OF_NOBODY" }
        ]
      }
      for (const [name, content] of Object.entries(files)) {
        yield* Effect.promise(() => writeFile(join(cwd, name), JSON.stringify(content)))
      }
      const env = { KEY_OF_MINE: "sk-ant-of-the-environment" }
      const imported = yield* run(cwd, ["credentials", "import", "keys.json", "--config", "weir.jsonc"], env)
      const [first, second, third, fourth, sum] = imported.stdout.trim().split("\n")
      assert.match(first ?? "", /^row 1: added/)
      assert.match(second ?? "", /^row 2: added/)
      assert.match(third ?? "", /^row 3: duplicate.*is the same as row 1$/)
      assert.match(fourth ?? "", /^row 4: invalid  apiKey: the environment variable KEY_OF_NOBODY is not set/)
      assert.strictEqual(sum, "2 added, 1 duplicate, 1 invalid")
      const listed = yield* run(cwd, ["credentials", "list", "--config", "weir.jsonc"])
      assert.match(listed.stdout, /anthropic +0 +ready/)
      assert.match(listed.stdout, /anthropic +2 +ready/)
      for (const { stderr, stdout } of [imported, listed]) {
        assert.notMatch(stdout + stderr, /sk-ant|a-bearer-token/)
      }
    })
  )

  it.live("says that a file is not there, or no JSON", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const missing = yield* run(cwd, ["credentials", "import", "none.json"])
      assert.deepStrictEqual([missing.code, missing.stderr], [1, "weir: none.json: cannot be read\n"])
      yield* Effect.promise(() => writeFile(join(cwd, "bad.json"), "{"))
      const bad = yield* run(cwd, ["credentials", "import", "bad.json"])
      assert.strictEqual(bad.code, 1)
      assert.match(bad.stdout, /^row 0: invalid  the file is not valid JSON/)
    })
  )
})
