/**
 * StorageCommands: commands that change what is stored while no server runs: `weir keys`, `weir master-key`.
 *
 * They hold the database's lock; where a server holds it, they say who does and change nothing.
 */
import { Console, Effect, Layer, Logger, Option, Redacted, References } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { cwd } from "node:process"
import { type ConfigFile, quickstartConfig } from "../config/ConfigFile.ts"
import { type ClientKeys as Keys, ClientKeys, type NewKey } from "../policy/ClientKeys.ts"
import * as MasterKeyRotation from "../storage/MasterKeyRotation.ts"
import * as Storage from "../storage/Storage.ts"
import { ofStart, wrong } from "./CommandFailure.ts"
import { readConfig } from "./ConfigSource.ts"

/** The configuration file, or what `weir quickstart` uses. */
export const optionalConfig = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withDescription("The configuration file; without it, the data of quickstart in ./data"),
  Flag.optional
)

/** The configuration that a command is to work with. */
export const configOr = (file: Option.Option<string>): Effect.Effect<ConfigFile, ReturnType<typeof ofStart>> =>
  Option.isNone(file) ? Effect.succeed(quickstartConfig(cwd())) : Effect.mapError(readConfig(file.value), ofStart)

/** The database of a configuration, and nothing else. */
export const storageOf = ({ config }: ConfigFile) => ({
  url: Redacted.value(config.storage.url),
  masterKeyFile: config.storage.masterKeyFile ?? undefined,
  journalFolder: config.storage.journalFolder
})

/** Commands print their result; what the storage has to say besides is only of interest where it is a warning. */
export const quiet = Layer.merge(
  Logger.layer([Logger.consolePretty()]),
  Layer.succeed(References.MinimumLogLevel, "Warn")
)

const withKeys = (
  file: Option.Option<string>,
  make: (keys: Keys["Service"]) => Effect.Effect<NewKey, Parameters<typeof ofStart>[0]>,
  what: string
) =>
  Effect.flatMap(configOr(file), (config) =>
    Effect.flatMap(ClientKeys, make).pipe(
      Effect.provide(
        ClientKeys.layer({ clientKeys: [], adminKey: null }).pipe(Layer.provide(Storage.layer(storageOf(config))))
      ),
      Effect.mapError(ofStart),
      Effect.flatMap(({ key }) => Console.log(`${what}, shown this once: ${Redacted.value(key)}`)),
      Effect.provide(quiet)
    )
  )

const create = Command.make(
  "create",
  { name: Argument.String("name").pipe(Argument.withDescription("Whom the key is for")), config: optionalConfig },
  Effect.fnUntraced(function* ({ config, name }) {
    if (!/^\P{Cc}{1,100}$/u.test(name)) return yield* wrong("NAME: 1 to 100 printable characters are expected")
    yield* withKeys(config, (keys) => keys.create(name), "Client key")
  })
).pipe(Command.withDescription("Make a new client key"))

const resetAdmin = Command.make("reset-admin", { config: optionalConfig }, ({ config }) =>
  withKeys(config, (keys) => keys.resetAdmin, "Admin key")
).pipe(
  Command.withDescription(
    "Make a new admin key; those made before it are no longer valid, one in a file (auth.adminKey) stays so"
  )
)

export const keys = Command.make("keys").pipe(
  Command.withDescription("Keys of client programs and of the admin API"),
  Command.withSubcommands([create, resetAdmin])
)

const rotate = Command.make(
  "rotate",
  { config: optionalConfig },
  Effect.fnUntraced(function* ({ config }) {
    const file = yield* configOr(config)
    const { keyId, resealed } = yield* Effect.mapError(MasterKeyRotation.rotate(storageOf(file)), ofStart)
    yield* Console.log(`${resealed} secrets are sealed under the new master key ${keyId}`)
  }, Effect.provide(quiet))
).pipe(Command.withDescription("Seal every secret again under a new master key"))

export const masterKey = Command.make("master-key").pipe(
  Command.withDescription("The key that seals secrets in the database"),
  Command.withSubcommands([rotate])
)
