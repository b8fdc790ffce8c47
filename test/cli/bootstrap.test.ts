/**
 * The bootstrap in a checkout of its own, with an npm that only writes down how it was called and leaves behind what
 * npm would: no network, no real packages.
 */
import { assert, beforeEach, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { onTestFinished } from "vitest"
import { root } from "../support/SourceFile.ts"

/** Stands in for npm: notes its directory and arguments, then installs; fails while a file named `broken` is there. */
const npm = `#!/usr/bin/env node
const { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs")
const { basename } = require("node:path")
appendFileSync(process.env.CALLS, basename(process.cwd()) + ": npm " + process.argv.slice(2, 4).join(" ") + "\\n")
if (existsSync(process.env.CALLS + ".broken")) process.exit(7)
mkdirSync("node_modules", { recursive: true })
for (const name of Object.keys(JSON.parse(readFileSync("package.json", "utf8")).dependencies ?? {})) {
  mkdirSync("node_modules/" + name, { recursive: true })
  writeFileSync("node_modules/" + name + "/package.json", JSON.stringify({ bin: { node: "node" } }))
  writeFileSync("node_modules/" + name + "/node", "#!/bin/sh\\n", { mode: 0o755 })
}
`

/** Makes the process look like another Node or machine before the bootstrap runs. */
const disguise = (versions: string, arch: string) =>
  `data:text/javascript,${encodeURIComponent(
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${versions}" } });` +
      `Object.defineProperty(process, "arch", { value: "${arch}" })`
  )}`

let checkout = ""

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "weir-bootstrap-"))
  const made = checkout
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  mkdirSync(join(checkout, "src", "cli"), { recursive: true })
  mkdirSync(join(checkout, "bin"))
  cpSync(join(root, "src/cli/bootstrap.mjs"), join(checkout, "src/cli/bootstrap.mjs"))
  writeFileSync(join(checkout, "bin/npm"), npm)
  chmodSync(join(checkout, "bin/npm"), 0o755)
  writeFileSync(join(checkout, "package.json"), JSON.stringify({ engines: { node: ">=24" } }))
  lock("one")
})

const lock = (name: string) =>
  writeFileSync(join(checkout, "package-lock.json"), JSON.stringify({ name, packages: { "": {} } }))

const run = (mode: string, as = { versions: process.versions.node, arch: "x64" }) => {
  const calls = join(checkout, "calls")
  rmSync(calls, { force: true })
  const { npm_execpath: _npm, ...env } = process.env
  const done = spawnSync(
    process.execPath,
    ["--import", disguise(as.versions, as.arch), "src/cli/bootstrap.mjs", mode],
    {
      cwd: checkout,
      encoding: "utf8",
      env: { ...env, CALLS: calls, PATH: `${join(checkout, "bin")}${delimiter}${env["PATH"]}` }
    }
  )
  const lines = done.stderr.split("\n").filter((line) => line !== "")
  const called = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : []
  return { status: done.status, lines, called: called.map((line) => line.replace(/^.*?: /, "")) }
}

const node20 = { versions: "20.20.2", arch: "x64" }

describe.skipIf(process.platform === "win32")("the bootstrap", () => {
  it("installs what running takes, says so in one line, and is silent from then on", () => {
    assert.deepStrictEqual(run("start"), {
      status: 0,
      lines: ["weir: installing dependencies (npm ci --omit=dev)"],
      called: ["npm ci --omit=dev"]
    })
    assert.deepStrictEqual(run("start"), { status: 0, lines: [], called: [] })
  })

  it("adds the tools for tests without taking away what runs", () => {
    run("start")
    assert.deepStrictEqual(run("test").called, ["npm install --include=dev"])
    assert.deepStrictEqual(run("start").called, [])
  })

  it("installs again when the lock has changed, and keeps a full install full", () => {
    run("test")
    lock("two")
    assert.deepStrictEqual(run("start").called, ["npm ci --include=dev"])
    assert.deepStrictEqual(run("test").called, [])
  })

  it("takes over what npm install put there by hand", () => {
    mkdirSync(join(checkout, "node_modules"))
    writeFileSync(join(checkout, "node_modules/.package-lock.json"), JSON.stringify({ packages: {} }))
    assert.deepStrictEqual(run("test"), { status: 0, lines: [], called: [] })
  })

  it("starts over after an install that broke off", () => {
    writeFileSync(join(checkout, "calls.broken"), "")
    assert.strictEqual(run("start").status, 1)
    rmSync(join(checkout, "calls.broken"))
    assert.deepStrictEqual(run("start").called, ["npm ci --omit=dev"])
  })

  it("does not wait for an install whose process is gone", () => {
    writeFileSync(join(checkout, ".weir-install.lock"), "4194305")
    assert.strictEqual(run("start").status, 0)
    assert.isFalse(existsSync(join(checkout, ".weir-install.lock")))
  })

  it("brings a newer Node along where the running one is too old, as the first node on the path of scripts", () => {
    const { called, lines, status } = run("start", node20)
    assert.strictEqual(status, 0)
    assert.deepStrictEqual(called, ["npm ci --omit=dev", "npm ci --ignore-scripts"])
    assert.match(
      lines[1] ?? "",
      /^weir: this is Node 20\.20\.2, 24 or newer is needed: adding node-\S+@2\d\.\S+ from npm/
    )
    assert.isTrue(existsSync(join(checkout, "node_modules/.bin/node")))
    assert.deepStrictEqual(run("start", node20), { status: 0, lines: [], called: [] })
  })

  it("says in one line that there is no Node for a machine, and fails", () => {
    run("start")
    const { called, lines, status } = run("start", { versions: "20.20.2", arch: "riscv64" })
    assert.strictEqual(status, 1)
    assert.deepStrictEqual(called, [])
    assert.match(
      lines.join("\n"),
      /^weir: this is Node 20\.20\.2, 24 or newer is needed, and npm has none for \w+-riscv64/
    )
  })
})
