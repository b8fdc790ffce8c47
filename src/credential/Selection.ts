/**
 * Selection: which credential serves. A pure decision over the index of the pool.
 */
import type { CredentialId } from "../message/Ids.ts"
import type { Counts, Why } from "../message/Lease.ts"
import { type Need, suits } from "./Eligibility.ts"
import type { PoolEntry } from "./PoolEntry.ts"
import type { PoolIndex } from "./PoolIndex.ts"
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
 * What decided: the order of preference; that it serves the conversation; that nobody else is left, though it was tried
 * before; that all permits are taken and one is borrowed.
 */
export type ChosenBy = "order" | "conversation" | "again" | "borrowed"

/** Why nobody can serve: `limited` are rests that each account's own use has earned, `resting` any others. */
export type Unavailable = "limited" | "resting" | "out_of_quota" | "model" | "disabled"

/** What a choice reads beside the index. */
export interface ChoiceContext {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The credential that the conversation belongs to. */
  readonly bound: CredentialId | null
  /** Whether the gateway's own permits are all taken. */
  readonly gatewayFull: boolean
  /** Whether to take the best of the full ones where none is free. */
  readonly overflow: boolean
}

/** Most ids in the short form of a decision. */
const shown = 8

/** Who would serve. Changes nothing but what time has changed in the index. */
export const choose = (index: PoolIndex, need: Need, { bound, gatewayFull, now, overflow }: ChoiceContext): Choice => {
  index.advance(now)
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
  const chosen = ({ entry }: Slot, by: ChosenBy, because: string): Choice => ({
    kind: "chosen",
    entry,
    by,
    why: { because, counts, credentials: firstOf(shelves, isFresh, entry.credential.id) }
  })

  if (counts.eligible > 0 && !gatewayFull) {
    const own = bound === null ? null : awake(bound)
    if (own?.standing === "ready" && isFresh(own)) return chosen(own, "conversation", "it serves this conversation")
    const best = bestOf(index, shelves, "ready", isFresh)
    if (best !== null) return chosen(best, "order", orderSays(index, counts))
  }
  if (counts.eligible + counts.full > 0) {
    const isKnownGood = (slot: Slot) => isFresh(slot) && !slot.entry.probing
    const best = overflow
      ? (bestOf(index, shelves, "ready", isKnownGood) ?? bestOf(index, shelves, "full", isKnownGood))
      : null
    if (best !== null) return chosen(best, "borrowed", "every permit is taken; borrowed without one")
    return { kind: "full", counts: allFull(counts) }
  }
  if (again.length > 0) {
    const free = gatewayFull ? [] : again.filter(({ standing }) => standing === "ready")
    const best = free.reduce<Slot | null>((a, b) => (a !== null && index.isBefore(a, b) ? a : b), null)
    return best === null ? { kind: "full", counts } : chosen(best, "again", "nobody else is left; it was tried before")
  }
  return { kind: "unavailable", because, counts, soonest }
}

/** What stands on the shelves: counted, with those that may serve, and why nobody could if it came to that. */
const survey = (index: PoolIndex, need: Need) => {
  const counts: Counts = { eligible: 0, cooldown: 0, disabled: 0, full: 0, model: 0, group: 0, tried: 0 }
  const isListed = index.isListed(need.model)
  const shelves: Array<Shelf> = []
  /** Of the shelves that may serve this request, also those whose upstream is left alone. */
  const suiting = { disabled: 0, outOfQuota: 0, switchedOff: 0, limited: 0, soonest: Infinity }
  for (const shelf of index.shelves) {
    const enabled = shelf.size - shelf.disabled
    counts.disabled += shelf.disabled
    if (need.group !== null && shelf.group !== need.group) {
      counts.group += enabled
      continue
    }
    if (!suits(shelf, need.model, isListed)) {
      counts.model += enabled
      continue
    }
    suiting.disabled += shelf.disabled
    suiting.outOfQuota += shelf.outOfQuota
    suiting.switchedOff += shelf.switchedOff
    const paused = enabled === 0 ? null : index.pausedUntil(shelf.upstream)
    suiting.soonest = Math.min(suiting.soonest, shelf.recovering.first?.recoversAt ?? Infinity, paused ?? Infinity)
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
  suiting: {
    readonly disabled: number
    readonly outOfQuota: number
    readonly switchedOff: number
    readonly limited: number
  }
): Unavailable => {
  if (cooldown > 0) return suiting.limited === cooldown ? "limited" : "resting"
  if (suiting.outOfQuota > 0 && suiting.outOfQuota + suiting.switchedOff === suiting.disabled) return "out_of_quota"
  return model > 0 ? "model" : "disabled"
}

const orderSays = ({ mode }: PoolIndex, { cooldown, disabled, full, group, model, tried }: Counts): string => {
  const passed = cooldown + disabled + full + group + model + tried
  const first = mode === "priority" ? "the lowest priority number" : "the fewest requests under way"
  return passed === 0 ? first : `${first} among those that can serve; ${passed} cannot`
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

const firstOf = (
  shelves: ReadonlyArray<Shelf>,
  is: (slot: Slot) => boolean,
  chosen: CredentialId
): Why["credentials"] => {
  const ids = [chosen]
  for (const { ready } of shelves) {
    for (const slot of ready) {
      if (ids.length === shown) return ids
      const { id } = slot.entry.credential
      if (id !== chosen && is(slot)) ids.push(id)
    }
  }
  return ids
}

const isAwake = ({ standing }: Slot): boolean => standing === "ready" || standing === "full"

/** Where the gateway's own permits are all taken, those with permits left are as good as full. */
const allFull = (counts: Counts): Counts => ({ ...counts, full: counts.full + counts.eligible, eligible: 0 })
