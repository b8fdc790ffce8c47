/**
 * PermitQueue: who waits for a permit, in order of arrival.
 *
 * A waiter holds nothing and decides nothing: whoever frees a permit, or changes what may serve, decides for those who
 * wait (see `PoolLeases.sweep`). So a permit that comes free goes to whose turn it is, and no newcomer can be faster.
 *
 * Bounded by its user: past `pool.queueLimit` a newcomer does not join.
 */
import { Effect, Latch, type Result } from "effect"
import type { Need } from "./Selection.ts"

/** One request for a permit, and what became of it. */
export class Ticket<A, E> {
  readonly need: Need
  #decision: Result.Result<A, E> | null
  readonly #decided: Latch.Latch

  constructor(need: Need, decision: Result.Result<A, E> | null) {
    this.need = need
    this.#decision = decision
    this.#decided = Latch.makeUnsafe(decision !== null)
  }

  /** Null while it waits. */
  get decision(): Result.Result<A, E> | null {
    return this.#decision
  }

  /** Ends once it is decided. */
  get decided(): Effect.Effect<void> {
    return this.#decided.await
  }

  /** The one who waits goes on in a later turn of the event loop, not inside of this one. */
  decide(decision: Result.Result<A, E>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#decision = decision
      return Effect.asVoid(this.#decided.open)
    })
  }
}

export class PermitQueue<A, E> {
  readonly #waiting = new Set<Ticket<A, E>>()

  /** How many wait now. */
  get length(): number {
    return this.#waiting.size
  }

  /** Waits behind everyone who is there. */
  join(ticket: Ticket<A, E>): void {
    this.#waiting.add(ticket)
  }

  /** Waits no longer; nothing where it did not wait. */
  leave(ticket: Ticket<A, E>): void {
    this.#waiting.delete(ticket)
  }

  /** In order of arrival; whoever is met may leave meanwhile. */
  [Symbol.iterator](): Iterator<Ticket<A, E>> {
    return this.#waiting[Symbol.iterator]()
  }
}
