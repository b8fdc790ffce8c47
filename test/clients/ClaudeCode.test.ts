/**
 * Claude Code itself, its native program from npm, with an empty home and nothing but an address and a key.
 *
 * What it prints can only have come through its own tool: the simulator never sees the nonce before the tool's result.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { clientKey, makeRig } from "../support/Rig.ts"
import { home, run } from "./ClaudeProcess.ts"

describe("Claude Code", () => {
  for (const [name, env] of [
    ["ANTHROPIC_AUTH_TOKEN", { ANTHROPIC_AUTH_TOKEN: clientKey }],
    ["ANTHROPIC_API_KEY", { ANTHROPIC_API_KEY: clientKey }]
  ] as const) {
    it.live(`reads a file by Bash and prints what only the file knew, with ${name}`, () =>
      Effect.gen(function* () {
        const rig = yield* makeRig()
        const folder = yield* home
        const nonce = randomUUID()
        yield* Effect.promise(() => writeFile(join(folder, "nonce.txt"), nonce))
        const prompt = "Use Bash to run `cat nonce.txt` and tell me what it printed."
        const ran = yield* run(rig, folder, [prompt, "--allowedTools", "Bash"], env)
        assert.strictEqual(ran.code, 0, ran.stdout + ran.stderr)
        assert.include(ran.stdout, nonce, ran.stderr)
        assert.deepStrictEqual(yield* rig.simulator.refused, [])
        const generated = (yield* rig.simulator.requests).filter(({ operation }) => operation === "generate")
        assert.lengthOf(generated, 2)
        assert.notInclude(generated[0]?.body ?? "", nonce)
        assert.include(generated[1]?.body ?? "", nonce)
      })
    )
  }

  it.live("says what is wrong where the key is wrong, after one request", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const ran = yield* run(rig, yield* home, ["Hello"], { ANTHROPIC_API_KEY: "wrong-key" })
      assert.notStrictEqual(ran.code, 0)
      assert.match(ran.stdout + ran.stderr, /API key/i)
      const asked = (yield* rig.simulator.requests).filter(({ operation }) => operation === "generate")
      assert.deepStrictEqual(asked, [])
    })
  )

  it.live("does not notice that a credential fails", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: { rules: [{ fail: "internal", times: 1 }] } })
      const prompt = `!sim ${JSON.stringify([{ text: "Nothing happened." }])}`
      const ran = yield* run(rig, yield* home, [prompt], { ANTHROPIC_API_KEY: clientKey })
      assert.strictEqual(ran.code, 0, ran.stdout + ran.stderr)
      assert.include(ran.stdout, "Nothing happened.")
    })
  )

  it.live("recognises a prompt that is too long at once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: { rules: [{ fail: "content_length" }] } })
      const ran = yield* run(rig, yield* home, ["Hello", "--output-format", "json"], { ANTHROPIC_API_KEY: clientKey })
      assert.include(ran.stdout, "prompt_too_long", ran.stdout + ran.stderr)
    })
  )
})
