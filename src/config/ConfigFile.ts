/**
 * ConfigFile: a configuration file's text becomes a `GatewayConfig`, or one line that says what is wrong.
 *
 * Relative paths in the file count from the folder the file stands in, wherever the program was started: the same file
 * means the same under a service manager and in a shell.
 */
import { Effect, Redacted, Schema } from "effect"
import { ConfigError, type Fault, faultOf, formatPath } from "./ConfigError.ts"
import { resolveEnvironment } from "./Environment.ts"
import { GatewayConfig } from "./GatewayConfig.ts"
import { type Json, parseJsonc } from "./Jsonc.ts"
import { sqlitePath } from "./StorageAddress.ts"

/** What one section of the file itself says, without defaults: member → value as written. */
export type WrittenSection = { readonly [member: string]: Json }

/** A configuration, and which of its hot members the file itself set. */
export interface ConfigFile {
  readonly config: GatewayConfig
  /** The hot sections as written, variables resolved. They hold no secrets. */
  readonly written: {
    readonly pool: WrittenSection
    readonly retry: WrittenSection
    readonly cooldown: WrittenSection
    readonly cache: WrittenSection
    readonly models: WrittenSection
    readonly systemPrompt: WrittenSection
  }
}

/** Where a configuration came from. */
export interface ConfigOrigin {
  /** The file's name as the operator gave it, for messages. */
  readonly file: string
  /** Absolute path of the folder it stands in; relative paths in it count from here. */
  readonly folder: string
}

/**
 * Reads a configuration: JSON with comments and trailing commas, `env:NAME` resolved by the `ConfigProvider`, validated,
 * defaults filled in, paths made absolute. Fails on the first thing that is wrong.
 */
export const parseConfig = Effect.fn("parseConfig")(function* (
  text: string,
  origin: ConfigOrigin
): Effect.fn.Return<ConfigFile, ConfigError> {
  const source = yield* Effect.fromResult(parseJsonc(text)).pipe(
    Effect.mapError(({ line, reason }) => new ConfigError({ file: origin.file, line, key: "", reason }))
  )
  return yield* decodeConfig(source.value, origin.folder).pipe(
    Effect.mapError(
      ({ path, reason }) =>
        new ConfigError({ file: origin.file, line: source.lineOf(path), key: formatPath(path), reason })
    )
  )
})

/** The same from a value that is JSON already. Fails with the path of what is wrong. */
export const decodeConfig = Effect.fnUntraced(function* (
  value: Json,
  folder: string
): Effect.fn.Return<ConfigFile, Fault> {
  const resolved = yield* resolveEnvironment(value)
  const config = yield* Schema.decodeUnknownEffect(GatewayConfig)(resolved, { onExcessProperty: "error" }).pipe(
    Effect.mapError(({ issue }) => faultOf(issue))
  )
  const section = (name: string): WrittenSection => objectOf(objectOf(resolved)[name])
  return {
    config: settled(config, folder),
    written: {
      pool: section("pool"),
      retry: section("retry"),
      cooldown: section("cooldown"),
      cache: section("cache"),
      models: section("models"),
      systemPrompt: section("systemPrompt")
    }
  }
})

/**
 * What `weir quickstart` serves with: every default, data under `./data` of the folder, one Kiro upstream.
 */
export const quickstartConfig = (folder: string): ConfigFile => {
  const written = { pool: {}, retry: {}, cooldown: {}, cache: {}, models: {}, systemPrompt: {} }
  return { config: settled(Schema.decodeSync(GatewayConfig)({}), folder), written }
}

/** A path as seen from a folder; absolute ones stay as they are. */
export const pathFrom = (folder: string, path: string): string => {
  if (/^(?:[/\\]|[A-Za-z]:[/\\])/.test(path)) return path
  return `${folder.replace(/[/\\]+$/, "")}/${path.replace(/^(?:\.[/\\]+)+/, "")}`
}

const settled = (config: GatewayConfig, folder: string): GatewayConfig => {
  const { files } = config.credentials
  const relative = sqlitePath(config.storage.url)
  const database = relative === null ? null : pathFrom(folder, relative)
  const keyFile = config.storage.masterKeyFile
  return {
    ...config,
    storage: {
      ...config.storage,
      url: database === null ? config.storage.url : Redacted.make(`sqlite:${database}`),
      masterKeyFile:
        keyFile === null
          ? database === null
            ? null
            : database.replace(/[^/\\]*$/, "master.key")
          : pathFrom(folder, keyFile),
      journalFolder: pathFrom(folder, config.storage.journalFolder)
    },
    credentials: { files: files.map((file) => pathFrom(folder, file)) }
  }
}

const objectOf = (value: Json | undefined): WrittenSection =>
  typeof value === "object" && value !== null && !isList(value) ? value : {}

const isList = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)
