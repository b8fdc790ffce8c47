/**
 * SimulateCommand: `weir simulate kiro`, an upstream simulator as a server of its own.
 */
import { Console, Effect, Layer, Option, Result } from "effect"
import { Command, Flag } from "effect/cli"
import { readFile } from "node:fs/promises"
import { KiroSimulator } from "../simulator/KiroSimulator.ts"
import { parseScript, type Script } from "../simulator/Script.ts"
import { type CommandFailure, ofStart, wrong } from "./CommandFailure.ts"

const kiro = Command.make(
  "kiro",
  {
    port: Flag.Int("port").pipe(Flag.withDescription("Port on 127.0.0.1; 0: any free one"), Flag.withDefault(0)),
    script: Flag.String("script").pipe(Flag.withDescription("What to answer, as JSON"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ port, script }) {
    const options = { port, script: Option.isNone(script) ? {} : yield* readScript(script.value) }
    const announced = Layer.effectDiscard(
      Effect.flatMap(KiroSimulator, ({ url }) => Console.log(`Kiro is simulated on ${url}`))
    )
    const running = Layer.launch(announced.pipe(Layer.provide(KiroSimulator.layer(options))))
    return yield* Effect.mapError(running, ofStart)
  })
).pipe(Command.withDescription("Kiro (AWS CodeWhisperer): event streams, refresh endpoints, failures on demand"))

export const simulate = Command.make("simulate").pipe(
  Command.withDescription("Run a simulated upstream"),
  Command.withSubcommands([kiro])
)

const readScript = Effect.fnUntraced(function* (file: string): Effect.fn.Return<Script, CommandFailure> {
  const text = yield* Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: () => wrong(`${file}: cannot be read`)
  })
  const parsed = parseScript(text)
  return yield* Result.isSuccess(parsed)
    ? Effect.succeed(parsed.success)
    : Effect.fail(wrong(`${file}: ${parsed.failure.message}`))
})
