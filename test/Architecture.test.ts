/**
 * What the code promises about itself as a whole: who may know whom, where the platform is known, what stands nowhere.
 * Each check collects every offender, so that one run shows all of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { isAmong, layers, lintOverrides, mayImport, platform, wiring } from "./support/Layering.ts"
import { type Node, type SourceFile, nameOf, parse, readSources, root, walk } from "./support/SourceFile.ts"

const sources = readSources()
const byPath = new Map(sources.map((source) => [source.path, source]))

const offenders = (find: (source: SourceFile) => ReadonlyArray<string>) =>
  sources.flatMap((source) => find(source).map((what) => `src/${source.path}: ${what}`))

const none = (found: ReadonlyArray<string>) => assert.deepStrictEqual(found, [])

describe("imports", () => {
  it("reads every way to import a file", () => {
    const text = [
      `import a, { type B } from "./A.ts"`,
      `import type { C } from "../message/C.ts"`,
      `import { type D } from "./D.ts"`,
      `import "./E.ts" // import "./comment.ts"`,
      `export * from "./F.ts"`,
      `export type { G } from "./G.ts"`,
      `const h = () => import("./H.ts")`,
      `type I = import("./I.ts").I`,
      `const j = new Worker(new URL("./J.ts", import.meta.url))`,
      "const k = (name: string) => import(`./${name}.ts`)",
      `const text = 'import "./string.ts"'`
    ].join("\n")
    assert.deepStrictEqual(
      parse("cache/Example.ts", text).imports.map(({ specifier, typeOnly }) => [specifier, typeOnly]),
      [
        ["./A.ts", false],
        ["../message/C.ts", true],
        ["./D.ts", true],
        ["./E.ts", false],
        ["./F.ts", false],
        ["./G.ts", true],
        ["./H.ts", false],
        ["./I.ts", true],
        ["./J.ts", false],
        ["(computed)", false]
      ]
    )
    assert.strictEqual(parse("cache/Example.ts", text).imports[1]?.file, "message/C.ts")
  })

  it("stand only where the table of layers allows them", () => {
    none(
      offenders(({ imports, path }) =>
        imports
          .filter(({ file, specifier }) =>
            file === undefined ? specifier === "(computed)" || specifier === "weir" : !mayImport(path, file)
          )
          .map(({ specifier }) => `may not import ${specifier}`)
      )
    )
  })

  it("of the platform stand only at the edges", () => {
    none(
      offenders(({ imports, path }) =>
        imports.filter(({ specifier }) => isPlatform(specifier) && !isAmong(path, platform)).map((it) => it.specifier)
      )
    )
  })

  it("make no circle of files", () => {
    none(cycles().map((cycle) => cycle.join(" > ")))
  })

  it("bring nothing of the platform to the admin page", () => {
    const reached = reachable(sources.map(({ path }) => path).filter((path) => path.startsWith("ui/")))
    none(
      reached.flatMap((path) =>
        importsThatRun(path)
          .filter(({ specifier }) => isPlatform(specifier))
          .map(({ specifier }) => `ui reaches src/${path}, which imports ${specifier}`)
      )
    )
  })
})

describe("the table of layers", () => {
  it("has a row for every folder of src", () => {
    const folders = new Set(sources.filter(({ path }) => path.includes("/")).map(({ path }) => path.split("/")[0]))
    none([...folders].filter((folder) => !(`${folder}` in layers) && !isAmong(`${folder}/`, wiring)).map(String))
  })

  it("lets no two folders know each other", () => {
    const knows = (from: string, to: string) => (layers[from] ?? []).includes(to)
    const folders = Object.keys(layers)
    none(folders.flatMap((a) => folders.filter((b) => a < b && knows(a, b) && knows(b, a)).map((b) => `${a} and ${b}`)))
  })

  it("is what the linter is told", () => {
    const config: unknown = JSON.parse(
      readFileSync(join(root, ".oxlintrc.json"), "utf8").replaceAll(/^\s*\/\/.*$/gm, "")
    )
    assert(typeof config === "object" && config !== null && "overrides" in config && Array.isArray(config.overrides))
    const told = new Set(config.overrides.map((entry) => JSON.stringify(entry)))
    const expected = lintOverrides().map((entry) => JSON.stringify(entry))
    none(expected.filter((entry) => !told.has(entry)).map((entry) => `.oxlintrc.json lacks the override ${entry}`))
    none([...told].filter((entry) => entry.includes("test/support/Layering.ts") && !expected.includes(entry)))
  })
})

describe("source files", () => {
  it("have at most 400 lines", () => {
    none(offenders(({ text }) => (text.split("\n").length > 401 ? [`${text.split("\n").length - 1} lines`] : [])))
  })

  it("have no casts, no any and nothing that silences a check", () => {
    none(offenders(({ text, tree }) => [...each(tree, escapes), ...(text.match(silencers) ?? [])]))
  })

  it("take time, chance, the environment and the console from Effect, and release by scope", () => {
    none(offenders(({ tree }) => each(tree, untestable)))
  })

  it("give permits back in one place, the finalizer of the credential pool", () => {
    const releasing = sources.filter(({ tree }) => each(tree, releases).length > 0)
    none(releasing.filter(({ path }) => !path.startsWith("credential/")).map(({ path }) => `src/${path} releases`))
    assert.isAtMost(releasing.length, 1, releasing.map(({ path }) => path).join(", "))
    for (const { path, tree } of releasing) assert.strictEqual(each(tree, acquireReleases).length, 1, path)
    if (byPath.has("credential/CredentialPool.ts")) assert.strictEqual(releasing.length, 1, "no permit is given back")
  })
})

/** Runs a check on every node and names the line of what it finds. */
const each = (tree: Node, check: (node: Node) => string | undefined) =>
  [...walk(tree)].flatMap(([node]) => check(node) ?? [])

const silencers = /@ts-(?:ignore|nocheck|expect-error)|(?:ox|es)lint-disable|@effect-diagnostics|\bTODO\b|\bFIXME\b/g

const escapes = (node: Node): string | undefined => {
  if (node.type === "TSAsExpression" && !isConst(node["typeAnnotation"])) return "a cast with as"
  if (node.type === "TSTypeAssertion") return "a cast with <>"
  if (node.type === "TSNonNullExpression") return "a non-null assertion"
  return node.type === "TSAnyKeyword" ? "any" : undefined
}

const isConst = (node: unknown) =>
  typeof node === "object" && node !== null && "typeName" in node && nameOf(node.typeName) === "const"

const untestable = (node: Node): string | undefined => {
  if (node.type === "TryStatement" && node["finalizer"] !== null) return "finally"
  const called = node.type === "CallExpression" || node.type === "NewExpression" ? nameOf(node["callee"]) : ""
  if (/^(?:globalThis\.)?(?:Date|Date\.now|Math\.random|set(?:Timeout|Interval))$/.test(called)) return called
  const name = node.type === "MemberExpression" ? nameOf(node) : ""
  return /^(?:process\.env|console\.\w+)$/.test(name) ? name : undefined
}

/** What gives a Semaphore's permits back takes how many, or is `releaseAll`; other resources release without argument. */
const releases = (node: Node): string | undefined => {
  const called = node.type === "CallExpression" ? nameOf(node["callee"]) : ""
  const counts = called.endsWith(".release") && Array.isArray(node["arguments"]) && node["arguments"].length > 0
  return counts || called.endsWith(".releaseAll") ? called : undefined
}

const acquireReleases = (node: Node): string | undefined =>
  node.type === "CallExpression" && nameOf(node["callee"]) === "Effect.acquireRelease" ? "acquireRelease" : undefined

const isPlatform = (specifier: string) =>
  isBuiltin(specifier) || /^(?:undici|@effect\/platform-node)(?:$|[/-])/.test(specifier)

const importsThatRun = (path: string) => (byPath.get(path)?.imports ?? []).filter(({ typeOnly }) => !typeOnly)

const reachable = (start: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Set(start)
  for (const path of seen) for (const { file } of importsThatRun(path)) if (file !== undefined) seen.add(file)
  return [...seen]
}

/** One circle for each file at which a walk along the imports, types included, comes back to itself. */
const cycles = (): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  const done = new Set<string>()
  const visit = (path: string, trail: ReadonlyArray<string>) => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path])
    if (done.has(path)) return
    done.add(path)
    for (const { file } of byPath.get(path)?.imports ?? []) if (file !== undefined) visit(file, [...trail, path])
  }
  for (const { path } of sources) visit(path, [])
  return found
}
