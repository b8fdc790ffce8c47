/** `weir simulate`, as a person starts it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ask, at, saying } from "../support/Ask.ts"
import { folder, run, start } from "./WeirProcess.ts"

const headers = { "anthropic-version": "2023-06-01" }

describe("weir simulate", () => {
  it.live("plays a script as Anthropic's API", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const rules = [{ content: [{ type: "text", text: "as scripted" }] }]
      yield* Effect.promise(() => writeFile(join(cwd, "script.json"), JSON.stringify({ rules })))
      const weir = yield* start(cwd, ["simulate", "anthropic", "--port", "0", "--script", "script.json"])
      const url = yield* weir.printed(/Anthropic is simulated on (\S+)/)
      const { json } = yield* ask({ url }, "/v1/messages", { body: saying("Hi"), headers })
      assert.strictEqual(at(json, "content", 0, "text"), "as scripted")
    })
  )

  it.live("is Kiro without a script", () =>
    Effect.gen(function* () {
      const weir = yield* start(yield* folder, ["simulate", "kiro", "--port", "0"])
      const url = yield* weir.printed(/Kiro is simulated on (\S+)/)
      assert.strictEqual((yield* ask({ url }, "/ListAvailableModels")).status, 403)
    })
  )

  it.live("says what is wrong in a script", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      yield* Effect.promise(() => writeFile(join(cwd, "script.json"), '{"rules":[{"contents":[]}]}'))
      const { code, stderr } = yield* run(cwd, ["simulate", "anthropic", "--script", "script.json"])
      assert.notStrictEqual(code, 0)
      assert.match(stderr, /script\.json: rules\.0\.contents/)
      const missing = yield* run(cwd, ["simulate", "anthropic", "--script", "none.json"])
      assert.match(missing.stderr, /none\.json: cannot be read/)
    })
  )
})
