/**
 * PoolState: what choosing and taking a permit reads and changes: the entries, the permits, and those who wait.
 */
import { Duration, Semaphore } from "effect"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { Why } from "../message/Why.ts"
import { Bindings } from "./Bindings.ts"
import type { CredentialPoolError } from "./CredentialPoolError.ts"
import { ModelCapacity } from "./ModelCapacity.ts"
import { PermitQueue } from "./PermitQueue.ts"
import { permitsOf, PoolEntries, type PoolEntry } from "./PoolEntry.ts"
import { PoolIndex } from "./PoolIndex.ts"
import type { Need } from "./Eligibility.ts"
import { type Choice, choose } from "./Selection.ts"
import type { Lacks } from "./Survey.ts"
import { UpstreamPause } from "./UpstreamPause.ts"

/** A permit that is held, and why this credential has it. */
export interface Held {
  readonly entry: PoolEntry
  readonly why: Why
  /** The upstream's name of the model that was asked for, or null. */
  readonly model: string | null
  /** Held without a permit. */
  readonly borrowed: boolean
  /** The mark of the first request after a rest, else null. */
  readonly probe: object | null
  /** Milliseconds since the epoch. */
  readonly since: number
  /** When it was given, in the pool's own count of leases and failures. */
  readonly turn: number
}

export class PoolState {
  readonly entries = new PoolEntries()
  readonly index: PoolIndex
  readonly bindings = new Bindings()
  readonly capacity = new ModelCapacity()
  readonly pauses = new UpstreamPause()
  readonly queue = new PermitQueue<Held, CredentialPoolError>()
  readonly settings: RuntimeSettings["Service"]
  /** The whole gateway's permits (`pool.maxInflight`). */
  readonly gateway: Semaphore.Semaphore
  /** What `gateway` was last sized to. */
  limit: number
  /** Live leases with a permit; the same as permits outstanding. */
  outstanding = 0
  /** Who holds a permit; as many as permits are outstanding. */
  readonly holders = new Set<object>()
  /** Who recovered by time, or changed by an answer, since listeners were last told. Bounded by the number of credentials. */
  readonly recovered = new Set<CredentialId>()
  /** Live leases without one. */
  borrowed = 0
  #turn = 0
  /** How long a lease lasts, of late; null before any has ended. Milliseconds. */
  #lasting: number | null = null

  constructor(settings: RuntimeSettings["Service"]) {
    const { pool } = settings.current()
    this.settings = settings
    this.index = new PoolIndex(pool.mode)
    this.limit = permitsOf(pool.maxInflight)
    this.gateway = Semaphore.makeUnsafe(this.limit)
  }

  /**
   * Who would serve now.
   *
   * @param now milliseconds since the epoch
   */
  choose(need: Need, now: number): Choice {
    const { stickyTtl, whenFull } = this.settings.current().pool
    this.advance(now)
    return choose(this.index, need, {
      bound: this.bindings.find(need.conversation, now, Duration.toMillis(stickyTtl)),
      lacks: this.lacks(need, now),
      gatewayFull: this.outstanding >= this.limit,
      overflow: whenFull === "overflow"
    })
  }

  /** Which upstreams had no capacity for the request's model of late. @param now milliseconds since the epoch */
  lacks({ model }: Need, now: number): Lacks {
    return (upstream) => this.capacity.isLacking(upstream, model, now)
  }

  /** Notices who recovered by time. @param now milliseconds since the epoch */
  advance(now: number): void {
    for (const id of this.index.advance(now)) this.recovered.add(id)
  }

  /** One more lease or failure. */
  nextTurn(): number {
    return this.#turn++
  }

  /** A lease has ended after so many milliseconds. */
  lasted(ms: number): void {
    this.#lasting = this.#lasting === null ? ms : this.#lasting * 0.9 + ms * 0.1
  }

  /**
   * How long one more may have to wait for a permit, by how long leases have lasted: an estimate. Milliseconds, from one
   * second to one minute.
   */
  get expectedWait(): number {
    const each = (this.#lasting ?? 0) / Math.max(1, this.outstanding)
    return Math.round(Math.min(60_000, Math.max(1_000, each * (this.queue.length + 1))))
  }
}
