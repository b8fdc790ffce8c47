/**
 * CanonicalJson: one text for one value, whatever order its members came in. Pure.
 *
 * Members are sorted by code unit at every depth; `cache_control` is left out, because where a prefix may be cached is no
 * part of it.
 */

/** The text of a JSON value. */
export const canonical = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null"
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  const members: Array<string> = []
  for (const [name, member] of Object.entries(value).toSorted(byName)) {
    if (name !== "cache_control" && member !== undefined) members.push(`${JSON.stringify(name)}:${canonical(member)}`)
  }
  return `{${members.join(",")}}`
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0
