/**
 * PoolState: what choosing and taking a permit reads and changes: the entries, the permits, and those who wait.
 */
import { Duration, Semaphore } from "effect"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { Why } from "../message/Lease.ts"
import { Bindings } from "./Bindings.ts"
import type { CredentialPoolError } from "./CredentialPoolError.ts"
import { PermitQueue } from "./PermitQueue.ts"
import { permitsOf, PoolEntries, type PoolEntry } from "./PoolEntry.ts"
import { PoolIndex } from "./PoolIndex.ts"
import type { Need } from "./Eligibility.ts"
import { type Choice, choose } from "./Selection.ts"
import { UpstreamPause } from "./UpstreamPause.ts"

/** A permit that is held, and why this credential has it. */
export interface Held {
  readonly entry: PoolEntry
  readonly why: Why
  /** Held without a permit. */
  readonly borrowed: boolean
  /** The first request after a rest. */
  readonly probe: boolean
  /** Milliseconds since the epoch. */
  readonly since: number
}

export class PoolState {
  readonly entries = new PoolEntries()
  readonly index: PoolIndex
  readonly bindings = new Bindings()
  readonly pauses = new UpstreamPause()
  readonly queue = new PermitQueue<Held, CredentialPoolError>()
  readonly settings: RuntimeSettings["Service"]
  /** The whole gateway's permits (`pool.maxInflight`). */
  readonly gateway: Semaphore.Semaphore
  /** What `gateway` was last sized to. */
  limit: number
  /** Live leases with a permit; the same as permits outstanding. */
  outstanding = 0
  /** Live leases with a permit, counted by who holds them and not by what was taken. */
  leases = 0
  /** Live leases without one. */
  borrowed = 0
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
  choose(need: Need, now: number, mayOverflow: boolean): Choice {
    const { stickyTtl, whenFull } = this.settings.current().pool
    return choose(this.index, need, {
      now,
      bound: this.bindings.find(need.conversation, now, Duration.toMillis(stickyTtl)),
      gatewayFull: this.outstanding >= this.limit,
      overflow: mayOverflow && whenFull === "overflow"
    })
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
