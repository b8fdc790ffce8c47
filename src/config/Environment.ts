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

const resolve = (value: Json, path: ReadonlyArray<PropertyKey>): Effect.Effect<Json, Fault> => {
  if (typeof value === "string")
    return value.startsWith(prefix) ? read(value.slice(prefix.length), path) : Effect.succeed(value)
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
  name: string,
  path: ReadonlyArray<PropertyKey>
): Effect.fn.Return<string, Fault> {
  if (!namePattern.test(name)) {
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
