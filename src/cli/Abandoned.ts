/**
 * Abandoned: notices that whoever started the program as an npm script is gone.
 *
 * npm runs a script in a shell, and a signal that ends npm ends that shell without reaching the program.
 */
import { Config, Effect, Option, Schedule } from "effect"

/** How often the parent is looked at. */
const pace = Schedule.spaced("500 millis")

/** Ends once the parent process is another than at the start; never, where no npm script was run. */
export const abandoned: Effect.Effect<void> = Effect.gen(function* () {
  const script = yield* Effect.option(Config.String("npm_lifecycle_event"))
  if (Option.isNone(script)) return yield* Effect.never
  const parent = process.ppid
  yield* Effect.repeat(
    Effect.sync(() => process.ppid !== parent),
    { until: (gone) => gone, schedule: pace }
  )
})
