/**
 * ConfigCases: configurations from a text or a value, with an environment of nothing but what a test gives.
 */
import { ConfigProvider, Effect } from "effect"
import { type ConfigFile, parseConfig } from "../../src/config/ConfigFile.ts"
import type { Json } from "../../src/config/Jsonc.ts"

/** Reads a text as the file `weir.jsonc` in `/etc/weir`. */
export const parse = (text: string, env: Record<string, string> = {}) =>
  parseConfig(text, { file: "weir.jsonc", folder: "/etc/weir" }).pipe(
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
  )

/** Reads a value that is right. */
export const configOf = (value: Json, env: Record<string, string> = {}): Effect.Effect<ConfigFile> =>
  Effect.orDie(parse(JSON.stringify(value), env))

/** What is said of a value that is wrong, without the file's name and line; `right` of one that is not. */
export const whyNot = (value: Json, env: Record<string, string> = {}): Effect.Effect<string> =>
  Effect.match(parse(JSON.stringify(value), env), {
    onSuccess: () => "right",
    onFailure: ({ message }) => message.replace("weir.jsonc:1: ", "")
  })
