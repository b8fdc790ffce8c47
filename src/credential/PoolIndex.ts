/**
 * PoolIndex: the pool's credentials, kept so that choosing one looks at few of them however many there are.
 *
 * Credentials with the same upstream and models stand on one shelf; on it, those that could serve are in order of
 * preference, and those that recover by time in order of time. A choice looks at each shelf once. How many shelves there
 * are does not depend on how many credentials there are, but on how many plans.
 *
 * **Gotchas**: whoever changes what the index reads of an entry calls {@link PoolIndex.update} in the same step.
 */
import type { CredentialId, UpstreamId } from "../message/Ids.ts"
import type { ModelKnowledge } from "./Eligibility.ts"
import { OrderedHeap } from "./OrderedHeap.ts"
import { type PoolEntry, recoversAt, standing } from "./PoolEntry.ts"
import { isBefore as comesBefore, type Mode, rankOf } from "./Preference.ts"
import { belongsOn, makeShelf, putOn, type Shelf, shelfKey, type Slot, takeOff } from "./Shelf.ts"

export class PoolIndex {
  #mode: Mode
  /** Who served last of each upstream, in priority mode. */
  readonly #current = new Map<UpstreamId, PoolEntry>()
  readonly #slots = new Map<PoolEntry, Slot>()
  readonly #byId = new Map<CredentialId, Slot>()
  readonly #shelves = new Map<string, Shelf>()
  /** Those that little is left of the limits of, by when that is over. */
  readonly #scarce = new OrderedHeap<Slot>((a, b) => a.scarceUntil < b.scarceUntil)
  /** How many credentials list a model. */
  readonly #listed = new Map<string, number>()
  /** How many credentials' lists are not known. */
  #unlisted = 0
  /** Upstreams that are left alone, and until when. Bounded by the number of upstreams. */
  readonly #paused = new Map<UpstreamId, number>()

  constructor(mode: Mode) {
    this.#mode = mode
  }

  /** Changes the order; the same mode changes nothing. */
  setMode(mode: Mode): void {
    if (mode === this.#mode) return
    this.#mode = mode
    for (const { full, ready } of this.#shelves.values()) {
      ready.reorder()
      full.reorder()
    }
  }

  isListed(model: string | null): boolean {
    return model !== null && this.#listed.has(model)
  }

  /** What is known of a model. */
  knowledge(model: string | null): ModelKnowledge {
    return { isListed: this.isListed(model), isPartial: this.#unlisted > 0 }
  }

  /** Until when an upstream is left alone, or null. Milliseconds since the epoch. */
  pausedUntil(upstream: UpstreamId): number | null {
    return this.#paused.get(upstream) ?? null
  }

  pause(upstream: UpstreamId, until: number): void {
    this.#paused.set(upstream, until)
  }

  resume(upstream: UpstreamId): void {
    this.#paused.delete(upstream)
  }

  /** Whether any credential has a permit left, as far as is known without looking at the time. */
  get hasReady(): boolean {
    for (const { ready } of this.#shelves.values()) if (ready.size > 0) return true
    return false
  }

  /** The one that comes first of those that are enabled and do not rest, whether it has a permit left or not. */
  get preferred(): PoolEntry | null {
    let first: Slot | null = null
    for (const { full, ready, upstream } of this.#shelves.values()) {
      if (this.#paused.has(upstream)) continue
      for (const slot of [ready.first, full.first]) {
        if (slot !== undefined && (first === null || this.isBefore(slot, first))) first = slot
      }
    }
    return first?.entry ?? null
  }

  /** When the next credential or upstream recovers by itself, or null. Milliseconds since the epoch. */
  get nextRecovery(): number | null {
    let next = Infinity
    for (const { recovering } of this.#shelves.values()) next = Math.min(next, recovering.first?.recoversAt ?? Infinity)
    for (const until of this.#paused.values()) next = Math.min(next, until)
    return next === Infinity ? null : next
  }

  /** Takes an entry in, or notices what has changed about it. */
  update(entry: PoolEntry, now: number): void {
    const before = this.#slots.get(entry)
    const is = standing(entry, now)
    const rank = rankOf(entry, entry === this.#current.get(entry.credential.upstream), now)
    if (before !== undefined && before.standing === is && belongsOn(before.shelf, entry)) {
      if (is === "ready" || is === "full") {
        Object.assign(before, rank)
        this.#noticeScarce(before)
        return before.shelf[is].moved(before)
      }
    }
    if (before !== undefined) this.#takeOff(before)
    const { models } = entry
    if (before === undefined || before.shelf.models !== models) {
      if (before?.shelf.models === null) this.#unlisted--
      if (models === null) this.#unlisted++
      for (const model of before?.shelf.models ?? []) this.#count(model, -1)
      for (const model of models ?? []) this.#count(model, 1)
    }
    const shelf = before !== undefined && belongsOn(before.shelf, entry) ? before.shelf : this.#shelfOf(entry)
    // Those that may use the same models share one set of them.
    entry.models = shelf.models
    const slot: Slot = before ?? { ...rank, entry, shelf, standing: is, recoversAt: null, scarceUntil: 0, reason: null }
    Object.assign(slot, rank)
    this.#noticeScarce(slot)
    slot.shelf = shelf
    slot.standing = is
    const { cooldown, disabled } = entry.health
    slot.reason =
      (slot.standing === "disabled" ? disabled : slot.standing === "cooling" ? cooldown : null)?.reason ?? null
    slot.recoversAt = slot.reason === null ? null : recoversAt(entry)
    this.#slots.set(entry, slot)
    this.#byId.set(entry.credential.id, slot)
    this.#putOn(slot)
  }

  remove(entry: PoolEntry): void {
    const slot = this.#slots.get(entry)
    if (slot === undefined) return
    this.#takeOff(slot)
    this.#scarce.remove(slot)
    for (const model of slot.shelf.models ?? []) this.#count(model, -1)
    if (slot.shelf.models === null) this.#unlisted--
    this.#slots.delete(entry)
    this.#byId.delete(entry.credential.id)
    const { upstream } = entry.credential
    if (this.#current.get(upstream) === entry) this.#current.delete(upstream)
  }

  /** Notices who recovered by time; tells who. */
  advance(now: number): ReadonlyArray<CredentialId> {
    const recovered: Array<CredentialId> = []
    for (const [upstream, until] of this.#paused) if (until <= now) this.#paused.delete(upstream)
    for (let next = this.#scarce.first; next !== undefined && next.scarceUntil <= now; next = this.#scarce.first) {
      this.update(next.entry, now)
    }
    for (const { recovering } of this.#shelves.values()) {
      for (let next = recovering.first; next !== undefined && (next.recoversAt ?? Infinity) <= now;) {
        this.update(next.entry, now)
        recovered.push(next.entry.credential.id)
        next = recovering.first
      }
    }
    return recovered
  }

  /**
   * Who serves in priority mode goes on among its equals at the upstream until it cannot; to be full for a while is no
   * reason.
   */
  elect(entry: PoolEntry): void {
    const slot = this.#slots.get(entry)
    const { upstream } = entry.credential
    const current = this.#current.get(upstream)
    if (slot === undefined || this.#mode !== "priority" || current === entry) return
    const before = current === undefined ? undefined : this.#slots.get(current)
    if (before?.standing === "full" && before.entry.credential.priority <= entry.credential.priority) return
    this.#current.set(upstream, entry)
    for (const one of before === undefined ? [slot] : [before, slot]) {
      this.#takeOff(one)
      one.waiting = one === slot ? 0 : 1
      this.#putOn(one)
    }
  }

  /** Every entry, those that are preferred first. */
  inOrder(): ReadonlyArray<PoolEntry> {
    return [...this.#slots.values()].toSorted((a, b) => (this.isBefore(a, b) ? -1 : 1)).map(({ entry }) => entry)
  }

  /** Whose credentials there are. */
  get upstreams(): ReadonlyArray<UpstreamId> {
    return [...new Set(Array.from(this.#shelves.values(), ({ upstream }) => upstream))]
  }

  /** All of them. */
  get shelves(): IterableIterator<Shelf> {
    return this.#shelves.values()
  }

  get mode(): Mode {
    return this.#mode
  }

  find(id: CredentialId): Slot | undefined {
    return this.#byId.get(id)
  }

  readonly isBefore = (a: Slot, b: Slot): boolean => comesBefore(a, b, this.#mode)

  #shelfOf(entry: PoolEntry): Shelf {
    const key = shelfKey(entry)
    return this.#shelves.get(key) ?? makeShelf(key, entry, this.isBefore)
  }

  #putOn(slot: Slot): void {
    this.#shelves.set(slot.shelf.key, slot.shelf)
    putOn(slot)
  }

  #takeOff(slot: Slot): void {
    takeOff(slot)
    if (slot.shelf.size === 0) this.#shelves.delete(slot.shelf.key)
  }

  #noticeScarce(slot: Slot): void {
    slot.scarceUntil = slot.entry.scarceUntil ?? 0
    if (slot.scarce === 1) this.#scarce.add(slot)
    else this.#scarce.remove(slot)
  }

  #count(model: string, by: 1 | -1): void {
    const count = (this.#listed.get(model) ?? 0) + by
    if (count === 0) this.#listed.delete(model)
    else this.#listed.set(model, count)
  }
}
