/**
 * ConfigError: what is wrong with a configuration, as one line that names the key and the reason, never a value.
 */
import { Schema, type SchemaAST, SchemaIssue } from "effect"

/** The configuration cannot be used. Its message is one line. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  /** The file's name as the operator gave it. */
  file: Schema.String,
  /** From 1; null where no single line is to blame. */
  line: Schema.NullOr(Schema.Int),
  /** Path of the key, e.g. `pool.queueTimeout`; empty for the file as a whole. */
  key: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    const place = this.line === null ? this.file : `${this.file}:${this.line}`
    return this.key === "" ? `${place}: ${this.reason}` : `${place}: ${this.key}: ${this.reason}`
  }
}

/** Where something is wrong, and what. */
export interface Fault {
  readonly path: ReadonlyArray<PropertyKey>
  readonly reason: string
}

/** The first fault in an issue of the schema: unknown keys are named together with the nearest known one. */
export const faultOf = (issue: SchemaIssue.Issue): Fault => {
  const found = first(issue, [])
  if (found.leaf._tag === "UnexpectedKey") return { path: found.path, reason: unknownKey(found.path, found.leaf) }
  const expected =
    found.leaf._tag === "InvalidType" && found.issue === found.leaf ? expectation(found.leaf.ast) : undefined
  if (expected !== undefined) return { path: found.path, reason: `expected ${expected}` }
  const [reported] = SchemaIssue.makeFormatterStandardSchemaV1()(found.issue).issues
  const message = reported?.message ?? "is not valid"
  return {
    path: found.path,
    reason: message === "Missing key" ? "is missing" : message.replace(/^Expected /, "expected ")
  }
}

/** A path as an operator reads it: `auth.clientKeys[0]`, `models.routes["claude-*"]`. */
export const formatPath = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`
    const name = String(key)
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${text}[${JSON.stringify(name.slice(0, 64))}]`
    return text === "" ? name : `${text}.${name}`
  }, "")

/** The known key that takes the fewest edits to get to; letter case costs nothing. Undefined when none is known. */
export const nearestKey = (key: string, known: ReadonlyArray<string>): string | undefined => {
  const wanted = key.slice(0, 64).toLowerCase()
  let nearest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = edits(wanted, candidate.toLowerCase())
    if (distance < least) {
      nearest = candidate
      least = distance
    }
  }
  return nearest
}

interface Found {
  readonly path: ReadonlyArray<PropertyKey>
  readonly leaf: SchemaIssue.Issue
  /** The outermost issue at the leaf's path: a check's own wording goes before that of what failed inside. */
  readonly issue: SchemaIssue.Issue
}

const first = (issue: SchemaIssue.Issue, path: ReadonlyArray<PropertyKey>, outer = issue): Found => {
  switch (issue._tag) {
    case "Pointer":
      return first(issue.issue, [...path, ...issue.path], issue.issue)
    case "Filter":
      return first(issue.issue, path, outer)
    // What stands in the file failed; that it is to become something else adds nothing.
    case "Encoding":
      return first(issue.issue, path, outer === issue ? issue.issue : outer)
    case "Composite":
    case "AnyOf": {
      const [inner] = issue.issues
      return inner === undefined ? { path, leaf: issue, issue: outer } : first(inner, path, inner)
    }
    default:
      return { path, leaf: issue, issue: outer }
  }
}

/** What a value of another type should have been, in the words of its checks. */
const expectation = (ast: SchemaAST.AST): string | undefined =>
  [...(ast.checks ?? []), ast]
    .map(({ annotations }) => annotations?.["expected"])
    .find((expected) => typeof expected === "string")

const unknownKey = (path: ReadonlyArray<PropertyKey>, issue: SchemaIssue.UnexpectedKey): string => {
  if (issue.ast._tag === "Objects" && issue.ast.indexSignatures.length > 0) return "is not a name that may stand here"
  const known = issue.ast._tag === "Objects" ? issue.ast.propertySignatures.map(({ name }) => String(name)) : []
  const nearest = nearestKey(String(path.at(-1)), known)
  return nearest === undefined ? "is not a known key" : `is not a known key; the nearest known key is "${nearest}"`
}

/** Levenshtein's distance, where two neighbours that changed places count as one edit. */
const edits = (from: string, to: string): number => {
  let before: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const next = [row]
    for (let column = 1; column <= to.length; column++) {
      const at = (line: ReadonlyArray<number>, index: number) => line[index] ?? Number.POSITIVE_INFINITY
      const same = from[row - 1] === to[column - 1]
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      next.push(
        Math.min(
          at(last, column) + 1,
          at(next, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY
        )
      )
    }
    before = last
    last = next
  }
  return last[to.length] ?? 0
}
