/**
 * PoolState: what choosing and taking a permit reads and changes: the entries, the permits, and those who wait.
 */
import { type DateTime, Semaphore } from "effect"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CredentialPoolError } from "./CredentialPoolError.ts"
import { PermitQueue } from "./PermitQueue.ts"
import { candidate, permitsOf, PoolEntries, type PoolEntry } from "./PoolEntry.ts"
import type { Candidate } from "./Selection.ts"

/** A permit that is held, and why this credential has it. */
export interface Held {
  readonly entry: PoolEntry
  readonly because: string
}

export class PoolState {
  readonly entries = new PoolEntries()
  readonly queue = new PermitQueue<Held, CredentialPoolError>()
  readonly settings: RuntimeSettings["Service"]
  /** The whole gateway's permits (`pool.maxInflight`). */
  readonly gateway: Semaphore.Semaphore
  /** What `gateway` was last sized to. */
  limit: number
  /** Live leases; the same as permits outstanding. */
  outstanding = 0

  constructor(settings: RuntimeSettings["Service"]) {
    this.settings = settings
    this.limit = permitsOf(settings.current().pool.maxInflight)
    this.gateway = Semaphore.makeUnsafe(this.limit)
  }

  /** Every entry as selection sees it now, in order of preference. */
  candidates(now: DateTime.Utc): ReadonlyArray<Candidate> {
    const gatewayFull = this.outstanding >= this.limit
    return Array.from(this.entries, (entry) => candidate(entry, gatewayFull, now))
  }
}
