/**
 * SimulateCommand: `weir simulate kiro` and `weir simulate anthropic`, an upstream simulator as a server of its own.
 */
import { Console, Effect, Layer, Option, type Result } from "effect"
import { Command, Flag } from "effect/cli"
import { readFile } from "node:fs/promises"
import { AnthropicSimulator } from "../simulator/anthropic/AnthropicSimulator.ts"
import { parseScript as parseAnthropicScript } from "../simulator/anthropic/Script.ts"
import { KiroSimulator } from "../simulator/KiroSimulator.ts"
import { parseScript, type ScriptError } from "../simulator/Script.ts"
import { type CommandFailure, ofStart, wrong } from "./CommandFailure.ts"

const flags = {
  port: Flag.Int("port").pipe(Flag.withDescription("Port on 127.0.0.1; 0: any free one"), Flag.withDefault(0)),
  script: Flag.String("script").pipe(Flag.withDescription("What to answer, as JSON"), Flag.optional)
}

const kiro = Command.make(
  "kiro",
  flags,
  Effect.fnUntraced(function* ({ port, script }) {
    const options = Option.isNone(script) ? {} : { script: yield* readScript(script.value, parseScript) }
    const announced = Layer.effectDiscard(
      Effect.flatMap(KiroSimulator, ({ url }) => Console.log(`Kiro is simulated on ${url}`))
    )
    const running = Layer.launch(announced.pipe(Layer.provide(KiroSimulator.layer({ port, ...options }))))
    return yield* Effect.mapError(running, ofStart)
  })
).pipe(Command.withDescription("Kiro (AWS CodeWhisperer): event streams, refresh endpoints, failures on demand"))

const anthropic = Command.make(
  "anthropic",
  flags,
  Effect.fnUntraced(function* ({ port, script }) {
    const options = Option.isNone(script) ? {} : { script: yield* readScript(script.value, parseAnthropicScript) }
    const announced = Layer.effectDiscard(
      Effect.flatMap(AnthropicSimulator, ({ url }) => Console.log(`Anthropic is simulated on ${url}`))
    )
    const running = Layer.launch(announced.pipe(Layer.provide(AnthropicSimulator.layer({ port, ...options }))))
    return yield* Effect.mapError(running, ofStart)
  })
).pipe(Command.withDescription("Anthropic's API: messages, streams, models, failures on demand"))

export const simulate = Command.make("simulate").pipe(
  Command.withDescription("Run a simulated upstream"),
  Command.withSubcommands([kiro, anthropic])
)

const readScript = Effect.fnUntraced(function* <Script>(
  file: string,
  parse: (text: string) => Result.Result<Script, ScriptError>
): Effect.fn.Return<Script, CommandFailure> {
  const text = yield* Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: () => wrong(`${file}: cannot be read`)
  })
  return yield* Effect.mapError(Effect.fromResult(parse(text)), ({ message }) => wrong(`${file}: ${message}`))
})
