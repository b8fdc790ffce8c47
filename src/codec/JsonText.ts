/**
 * JsonText: changes single members of JSON text and leaves every other character as it was written. Pure.
 *
 * For texts that go on as they came except for what has to change: numbers keep their digits, members their order, and
 * what nobody knows stays. The text is JSON already. A member that stands twice is set twice, whichever a reader takes.
 */

/** Members to be set, by name; each value as it is written with `JSON.stringify`. */
export type Members = Readonly<Record<string, unknown>>

/** Where something stands in a text: from its first character to the one after its last. */
interface Place {
  readonly from: number
  readonly to: number
}

/**
 * The text with members set in the object at `path`, or null where there is no object.
 *
 * @param path names of the members that lead to the object; empty: the text itself
 */
export const withMembers = (json: string, path: ReadonlyArray<string>, members: Members): string | null => {
  let at = skipSpace(json, 0)
  for (const name of path) {
    const inner = json[at] === "{" ? membersOf(json, at).findLast((member) => member.name === name) : undefined
    if (inner === undefined) return null
    at = inner.from
  }
  if (json[at] !== "{") return null
  const present = membersOf(json, at)
  const edits: Array<Place & { readonly text: string }> = []
  const added: Array<string> = []
  for (const [name, value] of Object.entries(members)) {
    const text = JSON.stringify(value)
    const places = present.filter((member) => member.name === name)
    if (places.length === 0) added.push(`${JSON.stringify(name)}:${text}`)
    edits.push(...places.map(({ from, to }) => ({ from, to, text })))
  }
  if (added.length > 0) {
    const end = skipValue(json, at) - 1
    edits.push({ from: end, to: end, text: `${present.length === 0 ? "" : ","}${added.join(",")}` })
  }
  let out = ""
  let done = 0
  for (const { from, text, to } of edits.toSorted((a, b) => a.from - b.from)) {
    out += json.slice(done, from) + text
    done = to
  }
  return out + json.slice(done)
}

/** The values of an object's members, in order. @param at where the object begins */
const membersOf = (json: string, at: number): ReadonlyArray<Place & { readonly name: string }> => {
  const members: Array<Place & { readonly name: string }> = []
  let next = skipSpace(json, at + 1)
  while (json[next] === '"') {
    const nameEnd = skipString(json, next)
    const from = skipSpace(json, skipSpace(json, nameEnd) + 1)
    const to = skipValue(json, from)
    members.push({ name: nameOf(json.slice(next, nameEnd)), from, to })
    next = skipSpace(json, to)
    if (json[next] === ",") next = skipSpace(json, next + 1)
  }
  return members
}

const nameOf = (quoted: string): string => {
  const name: unknown = quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1)
  return String(name)
}

/** @returns the place after the value that begins at `at` */
const skipValue = (json: string, at: number): number => {
  const first = json[at]
  if (first === '"') return skipString(json, at)
  if (first !== "{" && first !== "[") return skipWord(json, at)
  let depth = 0
  let next = at
  while (next < json.length) {
    const char = json[next]
    if (char === '"') {
      next = skipString(json, next)
      continue
    }
    next++
    if (char === "{" || char === "[") depth++
    else if ((char === "}" || char === "]") && --depth === 0) return next
  }
  return next
}

/** @returns the place after the closing quote */
const skipString = (json: string, at: number): number => {
  let end = json.indexOf('"', at + 1)
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1)
  return end === -1 ? json.length : end + 1
}

const isEscaped = (json: string, at: number): boolean => {
  let slash = at
  while (json[slash - 1] === "\\") slash--
  return (at - slash) % 2 === 1
}

/** A number, `true`, `false` or `null`. */
const skipWord = (json: string, at: number): number => {
  let end = at
  while (end < json.length && !/[\s,\]}]/.test(json[end] ?? "")) end++
  return end
}

const skipSpace = (json: string, at: number): number => {
  let next = at
  while (json[next] === " " || json[next] === "\n" || json[next] === "\r" || json[next] === "\t") next++
  return next
}
