/**
 * SchemaExample: a value that fits a simple JSON Schema, always the same one.
 *
 * Read are `const`, `enum`, `type`, `properties` with `required`, `items` with `minItems`, bounds of numbers and of a
 * string's length, the commoner formats, `anyOf`, `oneOf`, `allOf`, and references within the schema. Other keywords,
 * `pattern` above all, are not looked at, and a value may break them.
 */
import { Predicate } from "effect"

/** Deepest nesting that is followed, references included; what is deeper is null. */
const maxDepth = 16
/** Most values of one example. */
const maxValues = 500
/** Longest string that is made. Characters. */
const maxLength = 1_000

/** Longest example as JSON. Characters; null stands for a longer one. */
const maxJson = 64 * 1024

/**
 * An example of a schema.
 *
 * @param words what a string says where the schema leaves it open
 */
export const exampleOf = (schema: unknown, words: string): unknown => {
  const value = new Example(schema, words).of(schema, 0)
  return (JSON.stringify(value) ?? "").length > maxJson ? null : value
}

class Example {
  readonly #root: unknown
  readonly #words: string
  #values = 0

  constructor(root: unknown, words: string) {
    this.#root = root
    this.#words = words
  }

  of(schema: unknown, depth: number): unknown {
    if (depth > maxDepth || ++this.#values > maxValues) return null
    if (!Predicate.isReadonlyObject(schema)) return this.#words
    if ("const" in schema) return schema["const"]
    if (Array.isArray(schema["enum"]) && schema["enum"].length > 0) return schema["enum"][0]
    if (typeof schema["$ref"] === "string") return this.of(this.#referred(schema["$ref"]), depth + 1)
    const all = Array.isArray(schema["allOf"]) ? schema["allOf"].filter(Predicate.isReadonlyObject) : []
    if (all.length > 0) return this.of(merged(schema, all), depth + 1)
    const either = alternatives(schema)
    if (either !== null) return this.of(either, depth + 1)
    return this.#ofType(schema, depth)
  }

  #ofType(schema: Schema, depth: number): unknown {
    switch (typeOf(schema)) {
      case "object":
        return this.#object(schema, depth)
      case "array": {
        const length = Math.min(maxValues, Math.max(0, number(schema["minItems"]) ?? 0))
        const items: Array<unknown> = []
        while (items.length < length && this.#values < maxValues) items.push(this.of(schema["items"], depth + 1))
        return items
      }
      case "number":
      case "integer":
        return numeric(schema)
      case "boolean":
        return false
      case "null":
        return null
      default:
        return string(schema, this.#words)
    }
  }

  #object(schema: Schema, depth: number): Schema {
    const properties = Predicate.isReadonlyObject(schema["properties"]) ? schema["properties"] : {}
    const required = Array.isArray(schema["required"]) ? schema["required"] : []
    const members: Array<readonly [string, unknown]> = []
    for (const name of required) {
      if (this.#values >= maxValues) break
      if (typeof name === "string")
        members.push([name, this.of(Object.hasOwn(properties, name) ? properties[name] : {}, depth + 1)])
    }
    return Object.fromEntries(members)
  }

  /** What a reference such as `#/$defs/Name` stands for, or null. */
  #referred(reference: string): unknown {
    let at: unknown = this.#root
    for (const part of reference.split("/").slice(1, 1 + maxDepth)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~")
      at = Predicate.isReadonlyObject(at) && Object.hasOwn(at, name) ? at[name] : null
    }
    return reference.startsWith("#") ? at : null
  }
}

type Schema = { readonly [name: PropertyKey]: unknown }

/** The schema with what its `allOf` adds, in its place. */
const merged = (schema: Schema, all: ReadonlyArray<Schema>): Schema => {
  const own = Object.fromEntries(Object.entries(schema).filter(([name]) => name !== "allOf"))
  const parts = [own, ...all]
  return {
    ...joined(parts),
    properties: joined(parts.map((part) => part["properties"])),
    required: parts.flatMap((part) => (Array.isArray(part["required"]) ? part["required"] : []))
  }
}

const joined = (parts: ReadonlyArray<unknown>): Schema =>
  Object.fromEntries(parts.flatMap((part) => (Predicate.isReadonlyObject(part) ? Object.entries(part) : [])))

const alternatives = (schema: Schema): unknown => {
  for (const name of ["anyOf", "oneOf"]) {
    const choices = schema[name]
    if (Array.isArray(choices) && choices.length > 0) return choices[0]
  }
  return null
}

const typeOf = (schema: Schema): unknown => {
  const { type } = schema
  if (Array.isArray(type)) return type[0]
  return type ?? ("properties" in schema ? "object" : "items" in schema ? "array" : undefined)
}

/** Zero where it is allowed, else the nearest number that is; a multiple of `multipleOf`. */
const numeric = (schema: Schema): number => {
  const step = number(schema["multipleOf"]) ?? 1
  const unit = step > 0 ? step : 1
  const above = number(schema["exclusiveMinimum"])
  const below = number(schema["exclusiveMaximum"])
  const least = Math.max(
    number(schema["minimum"]) ?? -Infinity,
    above === null ? -Infinity : (Math.floor(above / unit) + 1) * unit
  )
  const most = Math.min(
    number(schema["maximum"]) ?? Infinity,
    below === null ? Infinity : (Math.ceil(below / unit) - 1) * unit
  )
  if (least > 0) return Math.ceil(least / unit) * unit
  return most < 0 ? Math.floor(most / unit) * unit : 0
}

const formats: ReadonlyMap<unknown, string> = new Map([
  ["date-time", "2000-01-01T00:00:00Z"],
  ["date", "2000-01-01"],
  ["time", "00:00:00Z"],
  ["email", "sandbox@example.com"],
  ["uri", "https://example.com/"],
  ["uuid", "00000000-0000-4000-8000-000000000000"]
])

const string = (schema: Schema, words: string): string => {
  const text = formats.get(schema["format"]) ?? words
  const least = Math.min(maxLength, number(schema["minLength"]) ?? 0)
  return text.padEnd(least, ".").slice(0, Math.max(0, number(schema["maxLength"]) ?? maxLength))
}

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null)
