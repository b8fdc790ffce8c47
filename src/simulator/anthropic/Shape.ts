/**
 * Shape: what JSON must look like, with the words in which Anthropic's API says that it does not.
 *
 * A shape looks at a value and gives the first fault in it. Paths are members and indexes joined by dots; a variant that
 * was told by its `type` adds that to the path: `messages.0.content.1.text.text: Field required`.
 *
 * **Source:** error messages of the API, whose wording is pydantic's.
 */

/** The first fault, as `path: problem`; null where there is none. */
export type Shape = (value: unknown, path: string) => string | null

export type JsonObject = Readonly<Record<string, unknown>>

/** Members by name. */
export type Members = Readonly<Record<string, Shape>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const fault = (path: string, problem: string): string => (path === "" ? problem : `${path}: ${problem}`)
const below = (path: string, member: string | number): string => (path === "" ? String(member) : `${path}.${member}`)

export const anything: Shape = () => null

export const text: Shape = (value, path) =>
  typeof value === "string" ? null : fault(path, "Input should be a valid string")

/** A string that matches. */
export const pattern =
  (expression: RegExp): Shape =>
  (value, path) =>
    text(value, path) ??
    (expression.test(String(value)) ? null : fault(path, `String should match pattern '${expression.source}'`))

export const flag: Shape = (value, path) =>
  typeof value === "boolean" ? null : fault(path, "Input should be a valid boolean")

export const integer =
  (minimum: number): Shape =>
  (value, path) => {
    if (typeof value !== "number" || !Number.isInteger(value)) return fault(path, "Input should be a valid integer")
    return value < minimum ? fault(path, `Input should be greater than or equal to ${minimum}`) : null
  }

export const within =
  (minimum: number, maximum: number): Shape =>
  (value, path) => {
    if (typeof value !== "number") return fault(path, "Input should be a valid number")
    if (value < minimum) return fault(path, `Input should be greater than or equal to ${minimum}`)
    return value > maximum ? fault(path, `Input should be less than or equal to ${maximum}`) : null
  }

export const oneOf =
  (...allowed: ReadonlyArray<string>): Shape =>
  (value, path) =>
    typeof value === "string" && allowed.includes(value)
      ? null
      : fault(path, `Input should be ${listed(allowed.map((each) => `'${each}'`))}`)

const listed = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

export const nullable =
  (shape: Shape): Shape =>
  (value, path) =>
    value === null ? null : shape(value, path)

export const list =
  (element: Shape): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return fault(path, "Input should be a valid list")
    for (const [index, each] of value.entries()) {
      const found = element(each, below(path, index))
      if (found !== null) return found
    }
    return null
  }

/** An object with these members. */
export const object =
  (required: Members, optional: Members = {}): Shape =>
  (value, path) => {
    if (!isObject(value)) return fault(path, "Input should be a valid dictionary")
    return findMemberFault(value, required, optional, path) ?? findExtra(value, required, optional, path)
  }

/** An object with at least these members. */
export const openObject =
  (required: Members = {}, optional: Members = {}): Shape =>
  (value, path) =>
    isObject(value)
      ? findMemberFault(value, required, optional, path)
      : fault(path, "Input should be a valid dictionary")

/** Objects told apart by their `type`. */
export const tagged =
  (variants: Members): Shape =>
  (value, path) => {
    if (!isObject(value)) return fault(path, "Input should be a valid dictionary")
    const { type } = value
    if (type === undefined) return fault(below(path, "type"), "Field required")
    const variant = typeof type === "string" && Object.hasOwn(variants, type) ? variants[type] : undefined
    if (variant !== undefined) return variant(value, below(path, String(type)))
    const expected = Object.keys(variants).map((each) => `'${each}'`)
    return fault(
      path,
      `Input tag '${String(type)}' found using 'type' does not match any of the expected tags: ${expected.join(", ")}`
    )
  }

/** Text, or a list. */
export const textOr =
  (other: Shape): Shape =>
  (value, path) =>
    typeof value === "string" ? null : other(value, path)

const findMemberFault = (value: JsonObject, required: Members, optional: Members, path: string): string | null => {
  for (const [name, shape] of Object.entries(required)) {
    if (value[name] === undefined) return fault(below(path, name), "Field required")
    const found = shape(value[name], below(path, name))
    if (found !== null) return found
  }
  for (const [name, shape] of Object.entries(optional)) {
    const found = value[name] === undefined ? null : shape(value[name], below(path, name))
    if (found !== null) return found
  }
  return null
}

const findExtra = (value: JsonObject, required: Members, optional: Members, path: string): string | null => {
  const extra = Object.keys(value).find((name) => !Object.hasOwn(required, name) && !Object.hasOwn(optional, name))
  return extra === undefined ? null : fault(below(path, extra), "Extra inputs are not permitted")
}
