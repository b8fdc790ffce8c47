/**
 * A size as an operator writes it: `"32 MiB"`. Only binary units, so that no two readers count differently.
 */
import { Effect, Schema, SchemaTransformation } from "effect"

const pattern = /^(?:0|[1-9]\d{0,8}) ?(?:B|KiB|MiB|GiB)$/u
const expected = `a size such as "32 MiB" (B, KiB, MiB or GiB)`

/** Largest first. */
const units = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["B", 1]
] as const

/** A number of bytes. */
export const Bytes = Schema.Natural.pipe(Schema.brand("Bytes"))
export type Bytes = typeof Bytes.Type

/** A size in the largest unit that holds it without a remainder, e.g. `"1536 KiB"`. */
export const formatBytes = (bytes: number): string => {
  const [unit, size] = units.find(([, size]) => bytes !== 0 && bytes % size === 0) ?? ["B", 1]
  return `${bytes / size} ${unit}`
}

const parse = (text: string): number => {
  const [unit, size] = units.find(([unit]) => text.endsWith(unit)) ?? ["B", 1]
  return Number(text.slice(0, -unit.length)) * size
}

/** Decodes `"32 MiB"` to a number of bytes. */
export const ByteSize = Schema.String.check(Schema.isPattern(pattern, { expected })).pipe(
  Schema.decodeTo(
    Bytes,
    SchemaTransformation.transformEffect({
      decode: (text: string) => Effect.succeed(parse(text)),
      encode: (bytes: number) => Effect.succeed(formatBytes(bytes))
    })
  )
)
