/**
 * A duration as an operator writes it: `"30 seconds"`, finite, not negative, at most ten years.
 */
import { Duration, Effect, Option, Schema, SchemaIssue, SchemaTransformation } from "effect"

const pattern = /^\d{1,18}(?:\.\d{1,9})?\s+(?:nano|micro|milli|second|minute|hour|day|week)s?$/u
const expected = `a duration such as "30 seconds" or "5 minutes", at most "3650 days"`
const longest = Duration.days(3650)

/** The units a duration is written in, largest first; weeks are read but not written. */
const units = [
  ["day", 86_400_000_000_000n],
  ["hour", 3_600_000_000_000n],
  ["minute", 60_000_000_000n],
  ["second", 1_000_000_000n],
  ["milli", 1_000_000n],
  ["micro", 1_000n],
  ["nano", 1n]
] as const

/** A duration in the largest unit that holds it without a remainder, e.g. `"90 seconds"`. */
export const formatDuration = (duration: Duration.Duration): string => {
  const nanos = Option.getOrElse(Duration.toNanos(duration), () => 0n)
  if (nanos === 0n) return "0 seconds"
  for (const [unit, size] of units) {
    if (nanos % size === 0n) {
      const count = nanos / size
      return `${count} ${count === 1n ? unit : `${unit}s`}`
    }
  }
  return `${nanos} nanos`
}

const parse = (text: string): Effect.Effect<Duration.Duration, SchemaIssue.Issue> => {
  const [count, unit] = text.split(/\s+/)
  const size = units.find(([name]) => name === unit?.replace(/s$/, ""))?.[1] ?? 604_800_000_000_000n
  const [whole = "0", fraction = ""] = (count ?? "").split(".")
  const nanos = BigInt(whole) * size + (BigInt(fraction.padEnd(9, "0")) * size) / 1_000_000_000n
  const duration = Duration.nanos(nanos)
  return Duration.isLessThanOrEqualTo(duration, longest)
    ? Effect.succeed(duration)
    : Effect.fail(new SchemaIssue.InvalidValue({ expected }))
}

/** Decodes `"30 seconds"` to a `Duration`; encodes in the largest unit without a remainder. */
export const FiniteDuration = Schema.String.check(Schema.isPattern(pattern, { expected })).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transformEffect({
      decode: parse,
      encode: (duration: Duration.Duration) => Effect.succeed(formatDuration(duration))
    })
  )
)
