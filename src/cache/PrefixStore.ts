/**
 * PrefixStore: which prefixes are taken to be cached at which credential, and until when.
 *
 * Caches belong to accounts: a prefix counts only where it was served. Bounded: past the capacity the entry goes that was
 * used least recently, and one credential holds at most half. Kept in memory: an upstream forgets within the hour anyway.
 */
import type { CredentialId } from "../message/Ids.ts"

interface Entry {
  readonly fingerprint: string
  readonly id: CredentialId
  /** From each use on. Milliseconds. */
  readonly lifetimeMs: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export class PrefixStore {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>()
  readonly #byCredential = new Map<CredentialId, Map<string, Entry>>()
  readonly #byFingerprint = new Map<string, Set<CredentialId>>()
  #evictions = 0

  get size(): number {
    return this.#entries.size
  }

  get evictions(): number {
    return this.#evictions
  }

  /** Whether the credential has it. Times are milliseconds since the epoch. */
  has(id: CredentialId, fingerprint: string, now: number): boolean {
    const entry = this.#byCredential.get(id)?.get(fingerprint)
    return entry !== undefined && entry.expiresAt > now
  }

  /** Who has it, the one that will have it longest first. */
  holders(fingerprint: string, now: number): ReadonlyArray<CredentialId> {
    const ids = this.#byFingerprint.get(fingerprint)
    if (ids === undefined) return []
    const expires = (id: CredentialId) => this.#byCredential.get(id)?.get(fingerprint)?.expiresAt ?? 0
    return [...ids].filter((id) => expires(id) > now).toSorted((a, b) => expires(b) - expires(a))
  }

  /** The credential has read it just now: it stays for as long again. */
  use(id: CredentialId, fingerprint: string, now: number, capacity: number): void {
    const entry = this.#byCredential.get(id)?.get(fingerprint)
    if (entry !== undefined) this.put(id, fingerprint, now, entry.lifetimeMs, capacity)
  }

  /** The credential has cached it just now; what it had for longer stays for longer. */
  put(id: CredentialId, fingerprint: string, now: number, lifetime: number, capacity: number): void {
    const own = this.#byCredential.get(id) ?? new Map<string, Entry>()
    const before = own.get(fingerprint)
    if (before !== undefined) this.#remove(before)
    const lifetimeMs = Math.max(lifetime, before !== undefined && before.expiresAt > now ? before.lifetimeMs : 0)
    const entry: Entry = { id, fingerprint, lifetimeMs, expiresAt: now + lifetimeMs }
    this.#byCredential.set(id, own.set(fingerprint, entry))
    this.#entries.set(keyOf(entry), entry)
    this.#byFingerprint.set(fingerprint, (this.#byFingerprint.get(fingerprint) ?? new Set()).add(id))
    if (own.size > Math.max(1, Math.floor(capacity / 2))) this.#evictFirst(own)
    while (this.#entries.size > Math.max(1, capacity)) this.#evictFirst(this.#entries)
  }

  /** How many are there that have not expired; forgets the others. */
  live(now: number): number {
    for (const entry of this.#entries.values()) if (entry.expiresAt <= now) this.#remove(entry)
    return this.#entries.size
  }

  clear(): void {
    this.#entries.clear()
    this.#byCredential.clear()
    this.#byFingerprint.clear()
  }

  #evictFirst(entries: ReadonlyMap<string, Entry>): void {
    for (const entry of entries.values()) {
      this.#evictions++
      return this.#remove(entry)
    }
  }

  #remove(entry: Entry): void {
    const { fingerprint, id } = entry
    this.#entries.delete(keyOf(entry))
    const own = this.#byCredential.get(id)
    own?.delete(fingerprint)
    if (own?.size === 0) this.#byCredential.delete(id)
    const holders = this.#byFingerprint.get(fingerprint)
    holders?.delete(id)
    if (holders?.size === 0) this.#byFingerprint.delete(fingerprint)
  }
}

const keyOf = ({ fingerprint, id }: Entry): string => `${fingerprint} ${id}`
