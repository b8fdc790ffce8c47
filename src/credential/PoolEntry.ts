/**
 * PoolEntry: one credential in the pool, with its own permits.
 *
 * Entries change in place, only inside one turn of the event loop; what they say at one moment is what selection sees.
 * Whoever walks through them sees those that there were at the start.
 */
import { DateTime, Semaphore } from "effect"
import { type Credential, isSignedIn } from "../message/Credential.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { RateLimits } from "../message/RateLimits.ts"
import type { Health } from "./CredentialStore.ts"

export interface PoolEntry {
  credential: Credential
  health: Health
  /** Model ids this credential may use; null while they are not known. */
  models: ReadonlySet<string> | null
  readonly permits: Semaphore.Semaphore
  /** What `permits` was last sized to. */
  limit: number
  /** Live leases with a permit; the same as permits outstanding. */
  outstanding: number
  /** Live leases without a permit, as `whenFull: "overflow"` gives them. */
  borrowed: number
  /** The first request after a rest, while it has no answer: until it has, nobody else may follow. Its own mark. */
  probing: object | null
  /** When it last failed since its last success, epoch milliseconds; null: not. Does not outlive the process. */
  troubledAt: number | null
  /** When it last failed, in the pool's own count of leases and failures. */
  troubledTurn: number
  /** What its upstream told last of its limits; null before it has. Does not outlive the process. */
  rateLimits: RateLimits | null
  /** Until when little is left of one of them, epoch milliseconds; null: of each there is enough. */
  scarceUntil: number | null
  /** When its upstream last told that one of them is used up, in the pool's own count of leases and failures. */
  usedUpTurn: number
  /** When its profile is next to be looked up, epoch milliseconds; null where it was, or needs no looking up. */
  profileDueAt: number | null
  /** When its models are next to be listed, epoch milliseconds. */
  modelsDueAt: number
  /** False for one that comes from the environment and is never written anywhere. */
  readonly stored: boolean
  /** Its place among those that came to the pool. */
  readonly place: number
}

/** What a credential is up to. `full`: nobody more may use it now. */
export type Standing = "ready" | "full" | "cooling" | "disabled"

/** A limit of 0 means none. */
export const permitsOf = (limit: number): number => (limit === 0 ? Number.MAX_SAFE_INTEGER : limit)

let arrivals = 0

export const makeEntry = (credential: Credential, health: Health, limit: number, stored: boolean): PoolEntry => ({
  credential,
  health,
  models: null,
  permits: Semaphore.makeUnsafe(permitsOf(limit)),
  limit: permitsOf(limit),
  outstanding: 0,
  borrowed: 0,
  probing: null,
  troubledAt: null,
  troubledTurn: -1,
  rateLimits: null,
  scarceUntil: null,
  usedUpTurn: -1,
  profileDueAt: isSignedIn(credential) && credential.profileArn === null ? 0 : null,
  modelsDueAt: 0,
  stored,
  place: arrivals++
})

/** Whether it is switched off at this moment; one that comes back by itself does so on time. */
export const isDisabled = (health: Health, now: DateTime.Utc): boolean =>
  health.disabled !== null && (health.disabled.until === null || DateTime.isGreaterThan(health.disabled.until, now))

/** Whether its rest is over by time and no request has shown yet that it serves again. */
export const isHalfOpen = ({ health: { cooldown } }: PoolEntry, now: number): boolean =>
  cooldown !== null && DateTime.toEpochMillis(cooldown.until) <= now

/** @param now milliseconds since the epoch */
export const standing = (entry: PoolEntry, now: number): Standing => {
  const { cooldown, disabled } = entry.health
  if (disabled !== null && (disabled.until === null || DateTime.toEpochMillis(disabled.until) > now)) return "disabled"
  if (cooldown !== null && DateTime.toEpochMillis(cooldown.until) > now) return "cooling"
  return entry.outstanding >= entry.limit || (entry.probing !== null && isHalfOpen(entry, now)) ? "full" : "ready"
}

/** When it recovers by itself, or null where a person has to act. Milliseconds since the epoch. */
export const recoversAt = ({ health: { cooldown, disabled } }: PoolEntry): number | null => {
  if (disabled !== null && disabled.until === null) return null
  return Math.max(
    cooldown === null ? 0 : DateTime.toEpochMillis(cooldown.until),
    disabled === null || disabled.until === null ? 0 : DateTime.toEpochMillis(disabled.until)
  )
}

/** Entries by id, in order of preference: priority, then as they came. */
export class PoolEntries {
  #order: ReadonlyArray<PoolEntry> | null = null
  // In the order in which they came.
  readonly #byId = new Map<CredentialId, PoolEntry>()

  get size(): number {
    return this.#byId.size
  }

  get(id: CredentialId): PoolEntry | undefined {
    return this.#byId.get(id)
  }

  add(entry: PoolEntry): void {
    this.#byId.set(entry.credential.id, entry)
    this.#order = null
  }

  remove(id: CredentialId): void {
    this.#byId.delete(id)
    this.#order = null
  }

  /** To be called after a priority changed. */
  reorder(): void {
    this.#order = null
  }

  [Symbol.iterator](): Iterator<PoolEntry> {
    this.#order ??= [...this.#byId.values()].toSorted((a, b) => a.credential.priority - b.credential.priority)
    return this.#order[Symbol.iterator]()
  }
}
