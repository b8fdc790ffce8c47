/**
 * SchemaFault: where a value does not fit its schema, in words.
 */
import { type Schema, SchemaIssue } from "effect"

export interface SchemaFault {
  /** Members joined by dots; empty for the value itself. */
  readonly path: string
  readonly problem: string
}

/**
 * The fault that lies deepest: where a union was tried member by member, the one that fitted best complains about the
 * innermost place.
 */
export const schemaFault = (error: Schema.SchemaError): SchemaFault => {
  const faults = toIssues(error.issue).issues.map((issue) => ({
    keys: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)),
    problem: issue.message
  }))
  const deepest = faults.toSorted((a, b) => b.keys.length - a.keys.length)[0]
  return deepest === undefined
    ? { path: "", problem: "not valid" }
    : { path: deepest.keys.join("."), problem: deepest.problem }
}

const toIssues = SchemaIssue.makeFormatterStandardSchemaV1()
