/** What must hold for the code as text: it type-checks, lints and is formatted. As tests, so that one run counts all. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

/** Runs an npm script and fails with what it printed, cut to what a person reads. */
const run = (script: string) => {
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", script], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: "1" },
    shell: process.platform === "win32"
  })
  const printed = `${stdout}${stderr}`.trim().split("\n").slice(0, 200).join("\n")
  assert.strictEqual(status, 0, `npm run ${script}\n${printed}`)
}

describe("the code", () => {
  it("type-checks, and no Effect in it floats or leaks what it needs", () => run("types"))
  it("has no lint", () => run("lint"))
  it("is formatted", () => run("format:check"))
})
