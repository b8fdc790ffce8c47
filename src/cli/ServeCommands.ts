/**
 * ServeCommands: `weir serve`, `weir quickstart`, `weir check`.
 */
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { cwd } from "node:process"
import { type ConfigFile, quickstartConfig } from "../config/ConfigFile.ts"
import { maskConfig } from "../config/GatewayConfig.ts"
import { ofStart } from "./CommandFailure.ts"
import { readConfig } from "./ConfigSource.ts"
import { refuseUnserved, serving } from "./Serving.ts"
import { notActedOn, unserved } from "./Unserved.ts"

/** The configuration file of a command that needs one. */
export const configFlag = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withDescription("The configuration file")
)

const port = Flag.Int("port").pipe(
  Flag.withDescription("Listen on this port instead of the configured one; 0: any free one"),
  Flag.filter(
    (value) => value >= 0 && value <= 65_535,
    () => "a port from 0 to 65535 is expected"
  ),
  Flag.optional
)

const onPort = (file: ConfigFile, given: Option.Option<number>): ConfigFile => {
  const server = { ...file.config.server, ...Option.match(given, { onNone: () => ({}), onSome: (port) => ({ port }) }) }
  return { ...file, config: { ...file.config, server } }
}

export const serve = Command.make(
  "serve",
  { config: configFlag, port },
  Effect.fnUntraced(function* ({ config, port }) {
    const file = yield* Effect.mapError(readConfig(config), ofStart)
    return yield* serving({ file: onPort(file, port), as: "serve" })
  })
).pipe(Command.withDescription("Serve with a configuration file"))

export const quickstart = Command.make("quickstart", { port }, ({ port }) =>
  serving({ file: onPort(quickstartConfig(cwd()), port), as: "quickstart" })
).pipe(
  Command.withDescription(
    "Serve at once: data in ./data, keys made at the first start, a sandbox until a credential is there"
  )
)

export const check = Command.make(
  "check",
  { config: configFlag },
  Effect.fnUntraced(function* ({ config }) {
    const file = yield* Effect.mapError(readConfig(config), ofStart)
    yield* Console.log(JSON.stringify(maskConfig(file.config), null, 2))
    const gaps = unserved(file.config)
    for (const gap of gaps) if (!gap.refused) yield* Console.error(notActedOn(gap))
    yield* refuseUnserved(gaps)
  })
).pipe(Command.withDescription("Check a configuration file and print what it comes to, secrets masked"))
