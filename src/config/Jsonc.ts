/**
 * Jsonc: JSON with comments and trailing commas, read so that each value knows its line. Pure.
 */
import { Result } from "effect"
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser"

/** A value of JSON. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** A text that is not JSON, even with comments and trailing commas. */
export interface JsoncFault {
  readonly line: number
  readonly reason: string
}

/** A value, and where its parts stand in the text. */
export interface Jsonc {
  readonly value: Json
  /** The line (from 1) of the value at a path, or of the nearest one around it. */
  readonly lineOf: (path: ReadonlyArray<PropertyKey>) => number
}

/** The longest text that is read. Characters. */
const longest = 1024 * 1024
/** How deep objects and arrays may stand in each other. */
const deepest = 32

/** Reads a text. A key that stands twice in one object is a fault: one of the two would be ignored. */
export const parseJsonc = (text: string): Result.Result<Jsonc, JsoncFault> => {
  if (text.length > longest) return Result.fail({ line: 1, reason: `is longer than ${longest} characters` })
  const depth = depthFault(text)
  if (depth !== undefined) return Result.fail(depth)
  const errors: Array<ParseError> = []
  const root = parseTree(text.replace(/^\uFEFF/, " "), errors, { allowTrailingComma: true, disallowComments: false })
  const [error] = errors
  if (error !== undefined) {
    return Result.fail({
      line: lineAt(text, error.offset),
      reason: `is not JSON: ${wording(printParseErrorCode(error.error))}`
    })
  }
  if (root === undefined) return Result.fail({ line: 1, reason: "is not JSON: the file is empty" })
  const twice = duplicate(root)
  if (twice !== undefined) {
    return Result.fail({
      line: lineAt(text, twice.offset),
      reason: `the key ${JSON.stringify(twice.value)} stands twice in one object`
    })
  }
  return Result.succeed({
    value: valueOf(root),
    lineOf: (path) => lineAt(text, nodeNear(root, path).offset)
  })
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length

/** `ValueExpected` reads as `value expected`. */
const wording = (code: string): string => code.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()

/** Own properties only: a key named `__proto__` is a key like any other. */
const valueOf = (node: Node): Json => {
  const children = node.children ?? []
  switch (node.type) {
    case "object":
      return Object.fromEntries(
        children.flatMap(({ children: [key, value] = [] }) =>
          key === undefined || value === undefined ? [] : [[String(key.value), valueOf(value)] as const]
        )
      )
    case "array":
      return children.map(valueOf)
    case "string":
      return String(node.value)
    case "number":
      return Number(node.value)
    case "boolean":
      return node.value === true
    default:
      return null
  }
}

const duplicate = (node: Node): Node | undefined => {
  const seen = new Set<unknown>()
  for (const child of node.children ?? []) {
    const key = child.type === "property" ? child.children?.[0] : undefined
    if (key !== undefined) {
      if (seen.has(key.value)) return key
      seen.add(key.value)
    }
    const inside = duplicate(child)
    if (inside !== undefined) return inside
  }
  return undefined
}

const nodeNear = (root: Node, path: ReadonlyArray<PropertyKey>): Node => {
  for (let length = path.length; length > 0; length--) {
    const keys = path.slice(0, length).map((key) => (typeof key === "number" ? key : String(key)))
    const found = findNodeAtLocation(root, keys)
    if (found !== undefined) return found.parent?.type === "property" ? found.parent : found
  }
  return root
}

/** The parser recurses, so brackets are counted first; those in strings and comments are none. */
const depthFault = (text: string): JsoncFault | undefined => {
  let depth = 0
  const tokens = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\/|[[\]{}]/g
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === "{" || token === "[") depth++
    if (token === "}" || token === "]") depth--
    if (depth > deepest)
      return { line: lineAt(text, index), reason: `objects and arrays stand more than ${deepest} deep` }
  }
  return undefined
}
