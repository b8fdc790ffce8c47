/**
 * Random UUIDs, version 4.
 */
import { Effect, Random } from "effect"

/** A new UUID in lower case. Unique for all practical purposes, not secret. */
export const randomUuid: Effect.Effect<string> = Effect.map(Random.Random, (random) => {
  const hex = (digits: number): string =>
    Math.floor(random.nextDoubleUnsafe() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0")
  const variant = (8 + Math.floor(random.nextDoubleUnsafe() * 4)).toString(16)
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(6)}${hex(6)}`
})
