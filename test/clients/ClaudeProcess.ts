/** Claude Code's own program from npm, with an empty home and nothing but an address and a key. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Rig } from "../support/Rig.ts"
import { root } from "../support/SourceFile.ts"

const claude = join(root, "node_modules", ".bin", "claude")

export const home = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "weir-claude-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `claude -p` in a folder of its own; killed with the scope. */
export const run = (rig: Pick<Rig, "url">, folder: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
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
