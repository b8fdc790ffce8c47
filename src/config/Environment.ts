/**
 * Environment: strings `env:NAME` of a configuration are replaced by what the environment holds under that name.
 *
 * The environment is Effect's `ConfigProvider`: a test, or a program that embeds the gateway, gives another one.
 */
import { ConfigProvider, Effect } from "effect"
import type { Json } from "./Jsonc.ts"
import type { Fault } from "./ConfigError.ts"

const prefix = "env:"
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/**
 * The value with every `env:NAME` replaced. Fails naming the first that is not set, and the key where it stands; to a
 * `ConfigProvider` an empty variable is none.
 */
export const resolveEnvironment = (value: Json): Effect.Effect<Json, Fault> => resolve(value, [])

/** Whether a text stands for a variable of the environment. */
export const isReference = (text: string): boolean => text.startsWith(prefix)

/** The variable that such a text names; null: it names none. */
export const referenced = (text: string): string | null => {
  const name = text.slice(prefix.length)
  return isReference(text) && namePattern.test(name) ? name : null
}

/** What the environment holds under a name; null: it is not set, is empty, or cannot be read. */
export const variable = (name: string): Effect.Effect<string | null> =>
  Effect.flatMap(ConfigProvider.ConfigProvider, (provider) => provider.load([name])).pipe(
    Effect.match({ onSuccess: (node) => node?.value ?? null, onFailure: () => null })
  )

const resolve = (value: Json, path: ReadonlyArray<PropertyKey>): Effect.Effect<Json, Fault> => {
  if (typeof value === "string") return isReference(value) ? read(value, path) : Effect.succeed(value)
  if (value === null || typeof value !== "object") return Effect.succeed(value)
  if (isList(value)) return Effect.forEach(value, (item, index) => resolve(item, [...path, index]))
  return Effect.map(
    Effect.forEach(Object.entries(value), ([key, item]) =>
      Effect.map(resolve(item, [...path, key]), (resolved) => [key, resolved] as const)
    ),
    (entries) => Object.fromEntries(entries)
  )
}

const read = Effect.fnUntraced(function* (
  text: string,
  path: ReadonlyArray<PropertyKey>
): Effect.fn.Return<string, Fault> {
  const name = referenced(text)
  if (name === null) {
    return yield* Effect.fail({ path, reason: `"env:" must be followed by the name of an environment variable` })
  }
  const provider = yield* ConfigProvider.ConfigProvider
  const node = yield* provider
    .load([name])
    .pipe(Effect.mapError(() => ({ path, reason: `the environment variable ${name} could not be read` })))
  if (node?.value === undefined) {
    return yield* Effect.fail({ path, reason: `the environment variable ${name} is not set, or is empty` })
  }
  return node.value
})

const isList = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)
