/** The package as others see it: its entry points, and what an installation of it resolves to. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import manifest from "../package.json" with { type: "json" }
import { version } from "../src/message/Version.ts"
import { root } from "./support/SourceFile.ts"

const entries = { ".": "index", "./testing": "testing", "./node": "node" }

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const readLock = (): Readonly<Record<string, LockedPackage>> =>
  JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages

describe("the package", () => {
  it("has three entry points and no other", () => {
    assert.deepStrictEqual(
      { ...manifest.exports },
      {
        ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
        "./testing": { types: "./dist/testing.d.ts", default: "./dist/testing.js" },
        "./node": { types: "./dist/node.d.ts", default: "./dist/node.js" }
      }
    )
  })

  for (const [entry, name] of Object.entries(entries)) {
    it(`exports something from "${entry}"`, async () => {
      const file = join(root, "src", `${name}.ts`)
      assert.isTrue(existsSync(file), `src/${name}.ts is not there`)
      const module: object = await import(/* @vite-ignore */ pathToFileURL(file).href)
      assert.isNotEmpty(Object.keys(module))
    })
  }

  it("calls itself by the version that it is published under", () => {
    assert.strictEqual(version, manifest.version)
  })

  it("pins every dependency to one version", () => {
    const pins = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.overrides }
    const loose = Object.entries(pins).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
    assert.deepStrictEqual(loose, [])
  })
})

describe("the lock", () => {
  it("names no download address, so that any registry can serve it", () => {
    assert.deepStrictEqual(
      Object.entries(readLock()).filter(([, { resolved }]) => resolved !== undefined),
      []
    )
  })

  it("holds the integrity of all that is always installed", () => {
    const unproven = Object.entries(readLock()).filter(([path, it]) => path !== "" && !it.optional && !it.integrity)
    assert.deepStrictEqual(unproven, [])
  })

  it("has every optional dependency, as npm ci demands on every platform", () => {
    const lock = readLock()
    const names = Object.values(lock).flatMap((entry) => Object.entries(entry.optionalDependencies ?? {}))
    const missing = names.filter(([name]) => !Object.keys(lock).some((path) => path.endsWith(`node_modules/${name}`)))
    assert.deepStrictEqual(
      missing,
      [],
      "npm leaves out what its registry does not serve: add the entry by hand, with version, optional, os and cpu"
    )
  })
})
