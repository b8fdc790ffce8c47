/**
 * Child: another process of this Node, running one of the programs in this folder, killed with the test.
 */
import { Effect, Queue } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { getuid } from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface ChildOptions {
  readonly args: ReadonlyArray<string>
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** Without the rights of the superuser, whom no file mode stops. */
  readonly unprivileged?: boolean
}

/** Starts `program`, a file of this folder. */
export const start = Effect.fnUntraced(function* (
  program: string,
  { args, cwd = process.cwd(), env = {}, unprivileged = false }: ChildOptions
) {
  const lines = yield* Queue.unbounded<string>()
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), ...args], {
        stdio: ["pipe", "pipe", "inherit"],
        env,
        cwd,
        ...(unprivileged && getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {})
      })
    ),
    (child) =>
      child.exitCode === null && child.signalCode === null
        ? Effect.promise(() => {
            const ended = once(child, "exit")
            child.kill("SIGKILL")
            return ended
          })
        : Effect.void
  )
  createInterface({ input: child.stdout }).on("line", (line) => Queue.offerUnsafe(lines, line))
  return {
    pid: child.pid,
    /** The next line that it prints. */
    line: Queue.take(lines),
    /** Ends its input. */
    end: Effect.promise(() => {
      const ended = once(child, "exit")
      child.stdin.end()
      return ended
    }),
    /** What no process can catch. */
    kill: Effect.promise(() => {
      const ended = once(child, "exit")
      child.kill("SIGKILL")
      return ended
    })
  }
})
