/**
 * Selection: which credential serves. A pure decision over the index of the pool.
 */
import type { CredentialId } from "../message/Ids.ts"
import type { Counts, Why } from "../message/Why.ts"
import { type Need, suits } from "./Eligibility.ts"
import type { PoolEntry } from "./PoolEntry.ts"
import type { PoolIndex } from "./PoolIndex.ts"
import { deciding } from "./Preference.ts"
import type { Shelf, Slot } from "./Shelf.ts"

export type Choice =
  | { readonly kind: "chosen"; readonly entry: PoolEntry; readonly by: ChosenBy; readonly why: Why }
  /** Someone could serve, but every permit is taken. */
  | { readonly kind: "full"; readonly counts: Readonly<Counts> }
  /**
   * Nobody can serve before `soonest` (milliseconds since the epoch), or, where it is null, before a person acts.
   */
  | {
      readonly kind: "unavailable"
      readonly because: Unavailable
      readonly counts: Readonly<Counts>
      readonly soonest: number | null
    }

/**
 * What decided: the order of preference; that it serves the conversation or has it cached; that nobody else is left, though it was tried
 * before; that all permits are taken and one is borrowed.
 */
export type ChosenBy = "order" | "conversation" | "again" | "borrowed"

/** Why nobody can serve: `limited` are rests that each account's own use has earned, `resting` any others. */
export type Unavailable = "limited" | "resting" | "out_of_quota" | "model" | "disabled"

/** What a choice reads beside the index. */
export interface ChoiceContext {
  /** The credential that the conversation belongs to. */
  readonly bound: CredentialId | null
  /** Whether the gateway's own permits are all taken. */
  readonly gatewayFull: boolean
  /** Whether to take the best of the full ones where none is free. */
  readonly overflow: boolean
}

/** Most ids in the short form of a decision. */
const shown = 8

/** Who would serve, as the index stands: whoever asks has let it notice the time. */
export const choose = (index: PoolIndex, need: Need, { bound, gatewayFull, overflow }: ChoiceContext): Choice => {
  const { because, counts, shelves, soonest } = survey(index, need)
  const awake = (id: CredentialId): Slot | null => {
    const slot = index.find(id)
    return slot !== undefined && isAwake(slot) && shelves.includes(slot.shelf) ? slot : null
  }
  const again: Array<Slot> = []
  for (const id of new Set([...need.exclude, ...need.barred])) {
    const slot = awake(id)
    if (slot === null) continue
    counts[slot.standing === "ready" ? "eligible" : "full"]--
    counts.tried++
    if (!need.barred.has(id)) again.push(slot)
  }
  const isFresh = ({ entry: { credential } }: Slot) =>
    !need.exclude.has(credential.id) && !need.barred.has(credential.id)
  const front = gatewayFull ? [] : frontOf(index, shelves, isFresh)
  const chosen = (slot: Slot, by: ChosenBy, because: string): Choice => ({
    kind: "chosen",
    entry: slot.entry,
    by,
    why: { because, counts, credentials: namesOf(slot, front) }
  })

  if (counts.eligible > 0 && !gatewayFull) {
    for (const [id, because] of [
      [need.holder, "it has what is asked cached"],
      [bound, "it serves this conversation"]
    ] as const) {
      const own = id === null ? null : awake(id)
      if (own?.standing === "ready" && isFresh(own)) return chosen(own, "conversation", because)
    }
    const [best, next] = front
    if (best !== undefined) {
      return chosen(best, "order", next === undefined ? "no other can serve" : deciding(best, next, index.mode))
    }
  }
  const borrow = (isAllowed: (slot: Slot) => boolean): Choice => {
    const isKnownGood = (slot: Slot) => isAllowed(slot) && slot.entry.probing === null
    const best = overflow
      ? (bestOf(index, shelves, "ready", isKnownGood) ?? bestOf(index, shelves, "full", isKnownGood))
      : null
    return best === null
      ? { kind: "full", counts: allFull(counts) }
      : chosen(best, "borrowed", "every permit is taken; borrowed without one")
  }
  if (counts.eligible + counts.full > 0) return borrow(isFresh)
  if (again.length > 0) {
    const free = gatewayFull ? [] : again.filter(({ standing }) => standing === "ready")
    const best = free.reduce<Slot | null>((a, b) => (a !== null && index.isBefore(a, b) ? a : b), null)
    return best === null
      ? borrow((slot) => again.includes(slot))
      : chosen(best, "again", "nobody else is left; it was tried before")
  }
  return { kind: "unavailable", because, counts, soonest }
}

/** What stands on the shelves: counted, with those that may serve, and why nobody could if it came to that. */
const survey = (index: PoolIndex, need: Need) => {
  const counts: Counts = { eligible: 0, cooldown: 0, disabled: 0, full: 0, model: 0, group: 0, tried: 0 }
  const known = index.knowledge(need.model)
  const shelves: Array<Shelf> = []
  /** Of the shelves that may serve this request, also those whose upstream is left alone. */
  const suiting = { disabled: 0, outOfQuota: 0, limited: 0, soonest: Infinity }
  for (const shelf of index.shelves) {
    const enabled = shelf.size - shelf.disabled
    counts.disabled += shelf.disabled
    if (!suits(shelf, need.model, known)) {
      counts.model += enabled
      continue
    }
    suiting.disabled += shelf.disabled
    suiting.outOfQuota += shelf.outOfQuota
    const paused = enabled === 0 ? null : index.pausedUntil(shelf.upstream)
    const recovers = shelf.recovering.first?.recoversAt ?? Infinity
    const isAnyoneUp = shelf.ready.size + shelf.full.size > 0
    const soonest = paused === null ? recovers : isAnyoneUp ? paused : Math.max(paused, recovers)
    suiting.soonest = Math.min(suiting.soonest, soonest)
    if (paused !== null) {
      counts.cooldown += enabled
      continue
    }
    suiting.limited += shelf.limited
    counts.cooldown += shelf.cooling
    counts.full += shelf.full.size
    counts.eligible += shelf.ready.size
    shelves.push(shelf)
  }
  const soonest = suiting.soonest === Infinity ? null : suiting.soonest
  return { counts, shelves, soonest, because: unavailable(counts, suiting) }
}

const unavailable = (
  { cooldown, model }: Counts,
  suiting: { readonly disabled: number; readonly outOfQuota: number; readonly limited: number }
): Unavailable => {
  if (cooldown > 0) return suiting.limited === cooldown ? "limited" : "resting"
  if (suiting.outOfQuota > 0) return "out_of_quota"
  return suiting.disabled === 0 && model > 0 ? "model" : "disabled"
}

const bestOf = (
  index: PoolIndex,
  shelves: ReadonlyArray<Shelf>,
  of: "ready" | "full",
  is: (slot: Slot) => boolean
): Slot | null => {
  let best: Slot | null = null
  for (const shelf of shelves) {
    const found = shelf[of].find(is)
    if (found !== undefined && (best === null || index.isBefore(found, best))) best = found
  }
  return best
}

/** Those that could serve at once, the best first; as many as the short form of a decision shows. */
const frontOf = (index: PoolIndex, shelves: ReadonlyArray<Shelf>, is: (slot: Slot) => boolean): ReadonlyArray<Slot> => {
  const front: Array<Slot> = []
  for (const { ready } of shelves) {
    let found = 0
    for (const slot of ready) {
      if (!is(slot)) continue
      front.push(slot)
      if (++found === shown) break
    }
  }
  return shelves.length === 1 ? front : front.toSorted((a, b) => (index.isBefore(a, b) ? -1 : 1)).slice(0, shown)
}

const namesOf = (chosen: Slot, front: ReadonlyArray<Slot>): Why["credentials"] => {
  const ids = [chosen.entry.credential.id]
  for (const slot of front) if (slot !== chosen && ids.length < shown) ids.push(slot.entry.credential.id)
  return ids
}

const isAwake = ({ standing }: Slot): boolean => standing === "ready" || standing === "full"

/** Where the gateway's own permits are all taken, those with permits left are as good as full. */
const allFull = (counts: Counts): Counts => ({ ...counts, full: counts.full + counts.eligible, eligible: 0 })
