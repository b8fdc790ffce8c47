/**
 * PermitQueue: who waits for a permit, in order of arrival, each with a deadline.
 *
 * Nobody holds anything while waiting. Whoever gives a permit back, resizes or recovers wakes the queue; a woken waiter
 * tries again and keeps its place where it comes too late. Bounded: past `limit` a newcomer is refused.
 */
import { Effect, Latch } from "effect"

interface Waiter {
  readonly latch: Latch.Latch
}

export class PermitQueue {
  readonly #waiters = new Set<Waiter>()

  /** How many wait now. */
  get length(): number {
    return this.#waiters.size
  }

  /** Wakes everyone, in order of arrival; those that find nothing wait on. */
  wake(): void {
    for (const waiter of this.#waiters) waiter.latch.openUnsafe()
  }

  /**
   * Repeats `attempt` at every wake until it gives something else than null. The caller bounds the time.
   *
   * @param attempt must be quick and must hold nothing where it gives null
   */
  wait<A, E, R>(attempt: Effect.Effect<A | null, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const waiter: Waiter = { latch: Latch.makeUnsafe(false) }
      this.#waiters.add(waiter)
      const turn: Effect.Effect<A, E, R> = Effect.suspend(() => {
        waiter.latch.closeUnsafe()
        return Effect.flatMap(attempt, (taken) =>
          taken === null ? Effect.andThen(waiter.latch.await, turn) : Effect.succeed(taken)
        )
      })
      return Effect.onExit(turn, () => Effect.sync(() => this.#waiters.delete(waiter)))
    })
  }
}
