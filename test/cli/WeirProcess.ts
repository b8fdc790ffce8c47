/**
 * WeirProcess: the `weir` program as a process of its own, as a person or a service manager starts it.
 */
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../support/SourceFile.ts"

export interface WeirProcess {
  readonly child: ChildProcess
  /** What it printed so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Waits until stdout holds a match, and gives its first group. Dies where the process ends before. */
  readonly printed: (pattern: RegExp) => Effect.Effect<string>
  /** Its exit code, once it has ended; null after a signal that it did not handle. */
  readonly exit: Effect.Effect<number | null>
}

/** An empty folder, removed with the scope. */
export const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "weir-cli-"))),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

const main = [process.execPath, join(root, "src", "main.ts")]
/** What npm runs a script by: a shell that waits for it, and does not pass signals on. */
const shell = ["sh", "-c", '"$0" "$@"; exit $?', ...main]

/** Starts it in a folder; killed with the scope. */
export const start = (cwd: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  launch(cwd, [...main, ...args], env)

/** Starts it as an npm script; the child is the shell. */
export const startByNpm = (cwd: string, args: ReadonlyArray<string>) =>
  launch(cwd, [...shell, ...args], { npm_lifecycle_event: "start" })

const launch = (cwd: string, [program = "", ...args]: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync((): WeirProcess => {
      const child = spawn(program, args, {
        cwd,
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env["PATH"] ?? "", HOME: cwd, NO_COLOR: "1", ...env }
      })
      let stdout = ""
      let stderr = ""
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString()
      })
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString()
      })
      const closed = new Promise<number | null>((resolve) => child.on("close", resolve))
      return {
        child,
        stdout: () => stdout,
        stderr: () => stderr,
        exit: Effect.promise(() => closed),
        printed: (pattern) =>
          Effect.callback((done) => {
            const look = () => {
              const found = pattern.exec(stdout)
              if (found !== null) done(Effect.succeed(found[1] ?? found[0]))
            }
            child.stdout.on("data", look)
            child.on("close", () => done(Effect.die(new Error(`weir ended: ${stdout}${stderr}`))))
            look()
            return Effect.sync(() => child.stdout.off("data", look))
          })
      }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Runs it to its end. */
export const run = (cwd: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  Effect.flatMap(start(cwd, args, env), (weir) =>
    Effect.map(weir.exit, (code) => ({ code, stdout: weir.stdout(), stderr: weir.stderr() }))
  )
