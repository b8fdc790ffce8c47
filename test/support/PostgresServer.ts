/**
 * PostgresServer: a PostgreSQL of the tests' own, from Debian's package, in a folder that goes away with it.
 *
 * Vitest starts it once for a run. It listens on a free port of 127.0.0.1 and ends with this process however that ends.
 * Where the program is not installed there is none, and tests that need it are skipped by name.
 */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, globSync } from "node:fs"
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getuid } from "node:process"
import { setInterval } from "node:timers/promises"
import { promisify } from "node:util"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  export interface ProvidedContext {
    /** Where the server is reached as its superuser, with a slash at the end; null where there is none. */
    postgres: string | null
  }
}

const user = "weir"
const password = "postgres-password-of-the-tests"

/** The program refuses to run as the superuser of the machine. */
const nobody = getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Its shell ends the server when the pipe from here breaks. */
const guarded = '"$0" "$@" & pid=$!; read -r _; kill -QUIT $pid; wait $pid'

export const setup = async (project: TestProject): Promise<void> => {
  const programs = globSync("/usr/lib/postgresql/*/bin").find((folder) => existsSync(join(folder, "postgres")))
  project.provide("postgres", null)
  if (programs === undefined) return
  const folder = await mkdtemp(join(tmpdir(), "weir-postgres-"))
  const passwordFile = join(folder, "password")
  await writeFile(passwordFile, password)
  if (nobody.uid !== undefined) await chown(passwordFile, nobody.uid, nobody.gid)
  if (nobody.uid !== undefined) await chown(folder, nobody.uid, nobody.gid)
  const data = join(folder, "data")
  const options = { ...nobody, cwd: folder, env: { HOME: folder, LC_ALL: "C.UTF-8", PATH: process.env["PATH"] ?? "" } }
  const initdb = ["-D", data, "-U", user, `--pwfile=${passwordFile}`, "-A", "scram-sha-256", "--no-sync", "-E", "UTF8"]
  await promisify(execFile)(join(programs, "initdb"), initdb, options)
  const port = await freePort()
  const settings = ["fsync=off", "shared_buffers=16MB", "max_connections=200", "unix_socket_directories="]
  const args = ["-D", data, "-h", "127.0.0.1", "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])]
  const server = spawn("sh", ["-c", guarded, join(programs, "postgres"), ...args], {
    ...options,
    stdio: ["pipe", "ignore", "ignore"]
  })
  await listening(port)
  project.provide("postgres", `postgres://${user}:${password}@127.0.0.1:${port}/`)
  stop = async () => {
    const ended = once(server, "exit")
    server.stdin?.end()
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}

export const teardown = (): Promise<void> => stop()

let stop = (): Promise<void> => Promise.resolve()

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

const listening = async (port: number): Promise<void> => {
  for await (const _ of setInterval(20)) {
    const socket = connect(port, "127.0.0.1")
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false
    )
    socket.destroy()
    if (isOpen) return
  }
}
