/**
 * Ids of answers and requests: a prefix and 24 random letters and digits, as Anthropic's look.
 */
import { Effect, Random } from "effect"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** A new id. Unique for all practical purposes, not secret. */
export const makeId = (prefix: "msg_" | "req_"): Effect.Effect<string> =>
  Effect.map(Random.Random, (random) => {
    let id: string = prefix
    for (let i = 0; i < 24; i++) id += alphabet[Math.floor(random.nextDoubleUnsafe() * alphabet.length)]
    return id
  })
