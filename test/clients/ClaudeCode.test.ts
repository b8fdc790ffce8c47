/**
 * Claude Code itself, its native program from npm, with an empty home and nothing but an address and a key.
 *
 * What it prints can only have come through its own tool: the simulator never sees the nonce before the tool's result.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { clientKey, makeRig, type Rig } from "../support/Rig.ts"
import { root } from "../support/SourceFile.ts"

const claude = join(root, "node_modules", ".bin", "claude")

const home = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "weir-claude-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `claude -p` in a folder of its own; killed with the scope. */
const run = (rig: Pick<Rig, "url">, folder: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.callback<Ran>((done) => {
    const child = spawn(claude, ["-p", ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: folder,
        ANTHROPIC_BASE_URL: rig.url,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        ...env
      }
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code) => done(Effect.succeed({ code, stdout, stderr })))
    child.on("error", (error) => done(Effect.succeed({ code: null, stdout, stderr: error.message })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

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
