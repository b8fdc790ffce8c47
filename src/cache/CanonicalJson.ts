/**
 * CanonicalJson: one text for one value, whatever order its members came in. Pure.
 *
 * Members are sorted by code unit at every depth. Most come in one pass: they are only sorted where they are not.
 */
import { Predicate } from "effect"

/** The text of a JSON value. */
export const canonical = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return quoted(value)
    case "number":
      return Number.isFinite(value) ? `${value === 0 ? 0 : value}` : "null"
    case "boolean":
      return value ? "true" : "false"
  }
  if (Array.isArray(value)) return listOf(value, canonical)
  return Predicate.isReadonlyObject(value) ? membersOf(value, canonical) : "null"
}

/**
 * The text of a block or a tool without where it asks to be cached: that is no part of what is cached. Blocks within its
 * content may ask, too; nothing else of that name does.
 */
export const canonicalBlock = (block: object): string =>
  membersOf(block, (member, name) =>
    name === control ? null : name === "content" && Array.isArray(member) ? listOf(member, inner) : canonical(member)
  )

const control = "cache_control"

const inner = (value: unknown): string =>
  Predicate.isReadonlyObject(value)
    ? membersOf(value, (member, name) => (name === control ? null : canonical(member)))
    : canonical(value)

const listOf = (values: ReadonlyArray<unknown>, write: (value: unknown) => string): string => {
  let text = "["
  for (let at = 0; at < values.length; at++) text += at === 0 ? write(values[at]) : `,${write(values[at])}`
  return `${text}]`
}

/** @param write null leaves the member out */
const membersOf = (
  value: { readonly [name: string]: unknown } | object,
  write: (member: unknown, name: string) => string | null
): string => {
  if (!Predicate.isReadonlyObject(value)) return "{}"
  const names = Object.keys(value)
  for (let at = 1; at < names.length; at++) {
    if ((names[at] ?? "") < (names[at - 1] ?? "")) {
      names.sort()
      break
    }
  }
  let text = "{"
  for (const name of names) {
    const member = value[name]
    const written = member === undefined ? null : write(member, name)
    if (written !== null) text += text.length === 1 ? `${quoted(name)}:${written}` : `,${quoted(name)}:${written}`
  }
  return `${text}}`
}

const escaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** Looking is cheaper than escaping, and most texts need none. */
const quoted = (text: string): string => (escaped.test(text) ? JSON.stringify(text) : `"${text}"`)
