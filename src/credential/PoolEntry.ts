/**
 * PoolEntry: one credential in the pool, with its own permits.
 *
 * Entries change in place, only inside one turn of the event loop; what they say at one moment is what selection sees.
 * Whoever walks through them sees those that there were at the start.
 */
import { DateTime, Semaphore } from "effect"
import type { Credential } from "../message/Credential.ts"
import type { CredentialId } from "../message/Ids.ts"
import { type Health, isCooling } from "./CredentialStore.ts"
import type { Candidate } from "./Selection.ts"

export interface PoolEntry {
  credential: Credential
  health: Health
  /** Model ids this credential may use, once they are known. */
  models: ReadonlySet<string> | null
  readonly permits: Semaphore.Semaphore
  /** What `permits` was last sized to. */
  limit: number
  /** Live leases; the same as permits outstanding. */
  outstanding: number
  /** When its profile is next to be looked up, epoch milliseconds; null where it was, or needs no looking up. */
  profileDueAt: number | null
  /** False for one that comes from the environment and is never written anywhere. */
  readonly stored: boolean
}

/** A limit of 0 means none. */
export const permitsOf = (limit: number): number => (limit === 0 ? Number.MAX_SAFE_INTEGER : limit)

export const makeEntry = (credential: Credential, health: Health, limit: number, stored: boolean): PoolEntry => ({
  credential,
  health,
  models: null,
  permits: Semaphore.makeUnsafe(permitsOf(limit)),
  limit: permitsOf(limit),
  outstanding: 0,
  profileDueAt: credential.kind === "api_key" || credential.profileArn !== null ? null : 0,
  stored
})

/** Whether it is switched off at this moment; one that comes back by itself does so on time. */
export const isDisabled = (health: Health, now: DateTime.Utc): boolean =>
  health.disabled !== null && (health.disabled.until === null || DateTime.isGreaterThan(health.disabled.until, now))

/** When a rest that ends by itself is over, or null where none goes on. A person's decision has no end. */
export const restsUntil = ({ cooldown, disabled }: Health, now: DateTime.Utc): DateTime.Utc | null => {
  const ends = [cooldown?.until ?? now, disabled?.until ?? now].filter((end) => DateTime.isGreaterThan(end, now))
  return ends.length === 0 ? null : ends.reduce(DateTime.max)
}

/** What selection sees of an entry. */
export const candidate = (entry: PoolEntry, gatewayFull: boolean, now: DateTime.Utc): Candidate => ({
  id: entry.credential.id,
  priority: entry.credential.priority,
  disabled: isDisabled(entry.health, now),
  coolingUntil: isCooling(entry.health.cooldown, now) ? DateTime.toEpochMillis(entry.health.cooldown.until) : null,
  full: gatewayFull || entry.outstanding >= entry.limit,
  suits: (model) => entry.models === null || entry.models.size === 0 || entry.models.has(model)
})

/** Entries by id, kept in order of preference: priority, then as they came. */
export class PoolEntries {
  #order: ReadonlyArray<PoolEntry> = []
  // In the order in which they came.
  readonly #byId = new Map<CredentialId, PoolEntry>()

  get size(): number {
    return this.#order.length
  }

  get(id: CredentialId): PoolEntry | undefined {
    return this.#byId.get(id)
  }

  add(entry: PoolEntry): void {
    this.#byId.set(entry.credential.id, entry)
    this.reorder()
  }

  remove(id: CredentialId): void {
    this.#byId.delete(id)
    this.reorder()
  }

  /** To be called after a priority changed. */
  reorder(): void {
    this.#order = [...this.#byId.values()].toSorted((a, b) => a.credential.priority - b.credential.priority)
  }

  [Symbol.iterator](): Iterator<PoolEntry> {
    return this.#order[Symbol.iterator]()
  }
}
