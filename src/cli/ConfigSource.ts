/**
 * ConfigSource: the configuration of a command, from a file.
 */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { ConfigError } from "../config/ConfigError.ts"
import { type ConfigFile, parseConfig } from "../config/ConfigFile.ts"

/** Reads and checks a configuration file. */
export const readConfig = Effect.fnUntraced(function* (file: string): Effect.fn.Return<ConfigFile, ConfigError> {
  const text = yield* Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: (cause) => new ConfigError({ file, line: null, key: "", reason: `cannot be read (${codeOf(cause)})` })
  })
  return yield* parseConfig(text, { file, folder: dirname(resolve(file)) })
})

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error"
