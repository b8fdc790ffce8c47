/**
 * PermitQueue: who waits for a permit. Clients take turns; among the requests of one client the first to come is first.
 *
 * A waiter holds nothing and decides nothing: whoever frees a permit, or changes what may serve, decides for those who
 * wait (see `PoolLeases.sweep`). So a permit that comes free goes to whose turn it is, and no newcomer can be faster.
 *
 * Bounded: past its limit a newcomer is turned away, and no client keeps more than half of it while others wait.
 */
import { Effect, Latch, type Result } from "effect"
import type { Need } from "./Eligibility.ts"

/** One request for a permit, and what became of it. */
export class Ticket<A, E> {
  readonly need: Need
  #decision: Result.Result<A, E> | null
  #kind: string | null | undefined
  readonly #decided: Latch.Latch

  constructor(need: Need, decision: Result.Result<A, E> | null) {
    this.need = need
    this.#decision = decision
    this.#decided = Latch.makeUnsafe(decision !== null)
  }

  /** The same for requests that the same may serve now; null for one that has tried somebody. */
  get kind(): string | null {
    this.#kind ??= kindOf(this.need)
    return this.#kind
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
  /** Those who wait, by client; the client whose turn it is comes first. */
  readonly #lanes = new Map<string | null, Set<Ticket<A, E>>>()
  #length = 0

  /** How many wait now. */
  get length(): number {
    return this.#length
  }

  /** Whether one more of this client may wait, of at most `limit` in all. */
  hasRoom(client: string | null, limit: number): boolean {
    const own = this.#lanes.get(client)?.size ?? 0
    if (own === this.#length) return own < limit
    if (own >= half(limit)) return false
    return this.#length < limit || this.#longest(client, limit) !== null
  }

  /** Waits; who has to go for it, because its client kept more than half while nobody else waited. */
  join(ticket: Ticket<A, E>, limit: number): ReadonlyArray<Ticket<A, E>> {
    const { client } = ticket.need
    const lane = this.#lanes.get(client) ?? new Set()
    this.#lanes.set(client, lane.add(ticket))
    this.#length++
    const longest = this.#longest(client, limit)
    const gone = longest === null ? [] : [...longest].slice(half(limit))
    for (const ticket of gone) this.leave(ticket)
    return gone
  }

  /** Waits no longer; nothing where it did not wait. */
  leave(ticket: Ticket<A, E>): void {
    const { client } = ticket.need
    const lane = this.#lanes.get(client)
    if (lane?.delete(ticket) !== true) return
    this.#length--
    if (lane.size === 0) this.#lanes.delete(client)
  }

  /** Has got what it waited for: its client's next turn comes after everybody else's. */
  served(ticket: Ticket<A, E>): void {
    const { client } = ticket.need
    this.leave(ticket)
    const lane = this.#lanes.get(client)
    if (lane === undefined) return
    this.#lanes.delete(client)
    this.#lanes.set(client, lane)
  }

  /** Turn by turn; whoever is met may leave meanwhile. */
  *[Symbol.iterator](): Generator<Ticket<A, E>, void> {
    let lanes = Array.from(this.#lanes.values(), (lane) => lane[Symbol.iterator]())
    while (lanes.length > 0) {
      const left: typeof lanes = []
      for (const lane of lanes) {
        const next = lane.next()
        if (next.done === true) continue
        left.push(lane)
        yield next.value
      }
      lanes = left
    }
  }

  /** The lane of another client that is longer than it may be while this one waits. */
  #longest(client: string | null, limit: number): ReadonlySet<Ticket<A, E>> | null {
    for (const [other, lane] of this.#lanes) if (other !== client && lane.size > half(limit)) return lane
    return null
  }
}

const kindOf = ({ barred, exclude, model, only, upstreams }: Need): string | null =>
  barred.size + exclude.size > 0 ? null : JSON.stringify([model, upstreams, only])

const half = (limit: number): number => Math.max(1, Math.floor(limit / 2))
