/**
 * ConfigJsonSchema: the JSON Schema (draft 2020-12) of the configuration file, for editors. `weir.schema.json` is this.
 *
 * It is looser than the configuration's own schema, never stricter: what an editor marks is wrong.
 */
import { Predicate, Schema } from "effect"
import { GatewayConfig } from "./GatewayConfig.ts"
import type { Json } from "./Jsonc.ts"

type JsonObject = { readonly [key: string]: Json }

/** The document, ready to be written as a file. */
export const configJsonSchema = (): JsonObject => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Weir's configuration",
  description: 'Any string may be "env:NAME": it is replaced by the environment variable NAME.',
  ...rewriteObject(Schema.toJsonSchemaDocument(GatewayConfig, { onExcessProperty: "error" }).schema)
})

/** The text of `weir.schema.json`. */
export const configJsonSchemaText = (): string => `${JSON.stringify(configJsonSchema(), null, 2)}\n`

const rewrite = (value: unknown): Json => {
  if (Array.isArray(value)) return value.map(rewrite)
  if (Predicate.isObject(value)) return rewriteObject(value)
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null
}

const rewriteObject = (source: object): JsonObject => {
  const node = Object.fromEntries(Object.entries(source).map(([key, value]) => [key, rewrite(value)]))
  return orVariable(withoutLonelyAllOf(node))
}

/** An `allOf` of one schema says no more than the schema itself. */
const withoutLonelyAllOf = (node: JsonObject): JsonObject => {
  const { allOf, ...rest } = node
  const [only, ...more]: ReadonlyArray<Json> = Array.isArray(allOf) ? allOf : []
  return isJsonObject(only) && more.length === 0 ? { ...rest, ...only } : node
}

const isJsonObject = (value: Json | undefined): value is JsonObject => Predicate.isObject(value)

const limits = new Set(["enum", "pattern", "minLength", "maxLength", "format"])

/** A string that is limited to some values may be `env:NAME` too; the one value that tells kinds apart may not. */
const orVariable = (node: JsonObject): JsonObject => {
  const { enum: choices, type } = node
  const entries = Object.entries(node)
  const limited = entries.filter(([key]) => limits.has(key))
  if (type !== "string" || limited.length === 0 || (Array.isArray(choices) && choices.length === 1)) return node
  return {
    ...Object.fromEntries(entries.filter(([key]) => key !== "type" && !limits.has(key))),
    anyOf: [
      { type, ...Object.fromEntries(limited) },
      { type, pattern: "^env:" }
    ]
  }
}
