/**
 * SingleFlight: at most one run of an effect at a time for each key; who comes meanwhile gets the same answer.
 *
 * A run belongs to the scope that this was made in. Who stops waiting for it does not end it.
 */
import { Effect, Fiber, FiberMap, Option, type Scope } from "effect"

/** Joins the run of this key that is under way, or begins one. Bounded by the number of keys. */
export type SingleFlight<K, A, E> = (key: K, effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

export const make = <K, A, E>(): Effect.Effect<SingleFlight<K, A, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const running = yield* FiberMap.make<K, A, E>()
    const begin = yield* FiberMap.runtime(running)()
    // Looking and beginning are one step: `onlyIfMissing` would answer the second caller with an interrupted fiber.
    return (key, effect) =>
      Effect.suspend(() => Fiber.join(Option.getOrElse(FiberMap.getUnsafe(running, key), () => begin(key, effect))))
  })
