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
