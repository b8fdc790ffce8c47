#!/usr/bin/env node
/**
 * The `weir` program: its commands, its exit codes, and what a signal does.
 *
 * The first SIGTERM or SIGINT interrupts the command, which then stops in its own time; a second one ends the process.
 * So does the end of the npm that runs it.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Effect, Exit, Runtime } from "effect"
import { Command } from "effect/cli"
import { abandoned } from "./cli/Abandoned.ts"
import { credentials } from "./cli/CredentialCommands.ts"
import { CommandFailure } from "./cli/CommandFailure.ts"
import { check, quickstart, serve } from "./cli/ServeCommands.ts"
import { simulate } from "./cli/SimulateCommand.ts"
import { keys, masterKey } from "./cli/StorageCommands.ts"
import { version } from "./message/Version.ts"

const weir = Command.make("weir").pipe(
  Command.withDescription("A gateway between Anthropic Messages API clients and upstream credentials you own"),
  Command.withSubcommands([serve, quickstart, check, credentials, keys, masterKey, simulate])
)

let signals = 0
const onSignal = () => {
  if (++signals === 2) process.exit(1)
}
process.on("SIGINT", onSignal).on("SIGTERM", onSignal)

Command.run(weir, { version }).pipe(
  Effect.tapError((error) =>
    error instanceof CommandFailure ? Effect.sync(() => process.stderr.write(`weir: ${error.line}\n`)) : Effect.void
  ),
  Effect.provide(NodeServices.layer),
  Effect.raceFirst(Effect.andThen(abandoned, Effect.interrupt)),
  NodeRuntime.runMain({
    // A gateway is meant to be stopped by a signal: that is no failure.
    teardown: (exit, onExit) =>
      Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)
  })
)
