/**
 * Selection: which credential serves. A pure decision over the index of the pool.
 */
import type { CredentialId } from "../message/Ids.ts"
import { type Counts, noCounts, type Why } from "../message/Why.ts"
import type { Need } from "./Eligibility.ts"
import type { PoolEntry } from "./PoolEntry.ts"
import type { PoolIndex } from "./PoolIndex.ts"
import { type Candidates, othersThan, poolOfOne } from "./PoolOfOne.ts"
import { deciding } from "./Preference.ts"
import type { Shelf, Slot } from "./Shelf.ts"
import { afterOthers, inAll, type Lacks, survey, type Tier, type Unavailable } from "./Survey.ts"

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

/** What a choice reads beside the index. */
export interface ChoiceContext {
  /** The credential that the conversation belongs to. */
  readonly bound: CredentialId | null
  /** Whether an upstream had no capacity for the model of late. */
  readonly lacks: Lacks
  /** Whether the gateway's own permits are all taken. */
  readonly gatewayFull: boolean
  /** Whether to take the best of the full ones where none is free. */
  readonly overflow: boolean
}

/** Most ids in the short form of a decision. */
const shown = 8

/**
 * Who would serve, as the index stands: whoever asks has let it notice the time.
 *
 * Upstreams are asked in the order that the request names, those without capacity for the model last. The first that has somebody to serve at once, whom this request
 * has not tried, serves; a conversation and what is cached count within one upstream only.
 */
export const choose = (index: PoolIndex, need: Need, context: ChoiceContext): Choice => {
  const { only, upstreams } = need
  if (only === null) return chooseAmong(index, need, noCounts(), context)
  const pool = poolOfOne(index, only)
  const others = othersThan(index, only)
  if (pool === null) return { kind: "unavailable", because: "gone", counts: others, soonest: null }
  const own = pool.find(only)?.entry.credential.upstream
  const asked = upstreams === null ? null : upstreams.filter((upstream) => upstream === own)
  return chooseAmong(pool, { ...need, upstreams: asked }, others, context)
}

/** @param others credentials that may not serve it and are not looked at */
const chooseAmong = (
  pool: Candidates,
  need: Need,
  others: Readonly<Counts>,
  { bound, gatewayFull, lacks, overflow }: ChoiceContext
): Choice => {
  const { because, outside, soonest, tiers } = survey(pool, need, lacks)
  const awake = (id: CredentialId): Placed | null => {
    const slot = pool.find(id)
    if (slot === undefined || !isAwake(slot)) return null
    const tier = tiers.find(({ shelves }) => shelves.includes(slot.shelf))
    return tier === undefined ? null : { slot, tier }
  }
  const again: Array<Placed> = []
  for (const id of new Set([...need.exclude, ...need.barred])) {
    const placed = awake(id)
    if (placed === null) continue
    placed.tier.counts[placed.slot.standing === "ready" ? "eligible" : "full"]--
    placed.tier.counts.tried++
    if (!need.barred.has(id)) again.push(placed)
  }
  const counts = inAll(tiers, [outside, others])
  const isFresh = ({ entry: { credential } }: Slot) =>
    !need.exclude.has(credential.id) && !need.barred.has(credential.id)
  const chosen = ({ slot, tier }: Placed, by: ChosenBy, because: string, front: ReadonlyArray<Slot> = []): Choice => ({
    kind: "chosen",
    entry: slot.entry,
    by,
    why: { because: afterOthers(tiers, tier, because), counts, credentials: namesOf(slot, front) }
  })

  const tier = gatewayFull ? undefined : tiers.find((one) => one.counts.eligible > 0)
  if (tier !== undefined) {
    const own = frontOf(pool, tier.shelves, isFresh)
    const front = [...own]
    for (const later of tiers.slice(tiers.indexOf(tier) + 1)) {
      if (front.length < shown) front.push(...frontOf(pool, later.shelves, isFresh))
    }
    for (const [id, because] of [
      [need.only, "the conversation lives at this account"],
      [need.holder, "it has what is asked cached"],
      [bound, "it serves this conversation"]
    ] as const) {
      const placed = id === null ? null : awake(id)
      if (placed?.tier === tier && placed.slot.standing === "ready" && isFresh(placed.slot)) {
        return chosen(placed, "conversation", because, front)
      }
    }
    const [best, next] = own
    if (best !== undefined) {
      const because = next === undefined ? "no other can serve" : deciding(best, next, pool.mode)
      return chosen({ slot: best, tier }, "order", because, front)
    }
  }
  const borrow = (isAllowed: (slot: Slot) => boolean): Choice => {
    const isKnownGood = (slot: Slot) => isAllowed(slot) && slot.entry.probing === null
    for (const tier of overflow ? tiers : []) {
      const slot = bestOf(pool, tier.shelves, "ready", isKnownGood) ?? bestOf(pool, tier.shelves, "full", isKnownGood)
      if (slot !== null) return chosen({ slot, tier }, "borrowed", "every permit is taken; borrowed without one")
    }
    return { kind: "full", counts: allFull(counts) }
  }
  if (counts.eligible + counts.full > 0) return borrow(isFresh)
  if (again.length > 0) {
    const place = ({ tier }: Placed) => tiers.indexOf(tier)
    const isAhead = (a: Placed, b: Placed) =>
      place(a) < place(b) || (a.tier === b.tier && pool.isBefore(a.slot, b.slot))
    const free = gatewayFull ? [] : again.filter(({ slot }) => slot.standing === "ready")
    const best = free.reduce<Placed | null>((a, b) => (a !== null && isAhead(a, b) ? a : b), null)
    return best === null
      ? borrow((slot) => again.some((placed) => placed.slot === slot))
      : chosen(best, "again", "nobody else is left; it was tried before")
  }
  return { kind: "unavailable", because, counts, soonest }
}

/** Somebody who may serve, now or once a permit is free, and whose upstream that is. */
interface Placed {
  readonly slot: Slot
  readonly tier: Tier
}

const bestOf = (
  index: Pick<PoolIndex, "isBefore">,
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
const frontOf = (
  index: Pick<PoolIndex, "isBefore">,
  shelves: ReadonlyArray<Shelf>,
  is: (slot: Slot) => boolean
): ReadonlyArray<Slot> => {
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
