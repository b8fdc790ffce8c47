/** Source code as the architecture test reads it: a syntax tree, and what the file imports. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { parseAst } from "vitest/node"

/** A node of the ESTree that TypeScript code parses to. */
export interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

/** One import of a file: static, type-only, re-exported, dynamic, in a type, or as the address of a worker. */
export interface Import {
  /** As written, such as `../message/Ids.ts` or `node:fs`. */
  readonly specifier: string
  /** The imported file relative to `src`; absent for packages. */
  readonly file: string | undefined
  /** Erased before the program runs. */
  readonly typeOnly: boolean
}

/** A file below `src`. */
export interface SourceFile {
  /** Relative to `src`, with `/` on every system. */
  readonly path: string
  readonly text: string
  readonly tree: Node
  readonly imports: ReadonlyArray<Import>
}

/** The checkout. */
export const root = fileURLToPath(new URL("../..", import.meta.url))

/** Every TypeScript file below `src`, sorted by path. */
export const readSources = (): ReadonlyArray<SourceFile> =>
  readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => path.split(sep).join("/"))
    .toSorted()
    .map((path) => parse(path, readFileSync(join(root, "src", path), "utf8")))

/** A file from its text. */
export const parse = (path: string, text: string): SourceFile => {
  const program: unknown = parseAst(text, { lang: path.endsWith("x") ? "tsx" : "ts" }, path)
  if (!isNode(program)) throw new Error(`${path} does not parse to a tree`)
  return { path, text, tree: program, imports: [...importsOf(program, path)] }
}

/** A node and all below it, each with the nodes around it, the nearest first. */
export function* walk(node: Node, around: ReadonlyArray<Node> = []): Generator<readonly [Node, ReadonlyArray<Node>]> {
  yield [node, around]
  const inner = [node, ...around]
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? listOf(value) : [value]) if (isNode(child)) yield* walk(child, inner)
  }
}

/** The code of a chain of names such as `process.env`, or `""` where the node is something else. */
export const nameOf = (node: unknown): string => {
  if (!isNode(node)) return ""
  if (node.type === "Identifier") return String(node["name"])
  if (node.type !== "MemberExpression" || node["computed"] === true) return ""
  return `${nameOf(node["object"])}.${nameOf(node["property"])}`
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

function* importsOf(tree: Node, path: string): Generator<Import> {
  for (const [node] of walk(tree)) {
    const source = sourceOf(node)
    if (!isNode(source)) continue
    // A computed address cannot be checked; it shows as the name no table allows.
    const specifier = typeof source["value"] === "string" ? source["value"] : "(computed)"
    const local = specifier.startsWith(".")
    const file = local ? join(dirname(path), specifier).split(sep).join("/") : undefined
    yield { specifier, file, typeOnly: isTypeOnly(node) }
  }
}

const sourceOf = (node: Node): unknown => {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return node["source"]
    case "NewExpression": {
      // `new URL("./Worker.ts", import.meta.url)`: how a worker's file is named.
      const [address, base] = listOf(node["arguments"])
      const worker = isNode(address) && String(address["value"]).endsWith(".ts") && isNode(base)
      return worker && nameOf(node["callee"]) === "URL" ? address : undefined
    }
    default:
      return undefined
  }
}

const isTypeOnly = (node: Node): boolean => {
  if (node.type === "TSImportType" || node["importKind"] === "type" || node["exportKind"] === "type") return true
  const names = listOf(node["specifiers"])
  return (
    names.length > 0 && names.every((name) => isNode(name) && (name["importKind"] ?? name["exportKind"]) === "type")
  )
}

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
