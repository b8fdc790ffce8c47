/**
 * Shelf: credentials of one upstream that may use the same models, sorted by how they are.
 */
import type { CooldownReason, DisabledReason } from "../message/CredentialState.ts"
import type { UpstreamId } from "../message/Ids.ts"
import { isFree } from "./Eligibility.ts"
import { OrderedHeap } from "./OrderedHeap.ts"
import type { PoolEntry, Standing } from "./PoolEntry.ts"
import type { Rank } from "./Preference.ts"

/** Credentials that differ only in how they are. */
export interface Shelf {
  readonly key: string
  readonly upstream: UpstreamId
  readonly models: PoolEntry["models"]
  readonly free: boolean
  size: number
  /** By standing; a shelf keeps those that only a person brings back in no order. */
  readonly ready: OrderedHeap<Slot>
  readonly full: OrderedHeap<Slot>
  readonly recovering: OrderedHeap<Slot>
  disabled: number
  /** Of the disabled ones: those out of their quota. */
  outOfQuota: number
  cooling: number
  /** Of the cooling ones: those that their own use has earned it. */
  limited: number
}

/** An entry on its shelf, as it was when the index last looked. */
export interface Slot extends Rank {
  readonly entry: PoolEntry
  shelf: Shelf
  standing: Standing
  /** When it recovers, or null where it does not by itself. Milliseconds since the epoch. */
  recoversAt: number | null
  /** Until when little is left of its limits; 0: there is enough. Milliseconds since the epoch. */
  scarceUntil: number
  /** Why it rests or is switched off. */
  reason: DisabledReason | CooldownReason | null
}

/** Rests that the account's own use has earned. */
const limits: ReadonlySet<DisabledReason | CooldownReason> = new Set([
  "rate_limit",
  "overage_request_limit",
  "suspicious_activity"
] as const)

export const makeShelf = (key: string, entry: PoolEntry, isBefore: (a: Slot, b: Slot) => boolean): Shelf => ({
  key,
  upstream: entry.credential.upstream,
  models: entry.models,
  free: isFree(entry),
  ready: new OrderedHeap(isBefore),
  full: new OrderedHeap(isBefore),
  recovering: new OrderedHeap(byRecovery),
  size: 0,
  disabled: 0,
  outOfQuota: 0,
  cooling: 0,
  limited: 0
})

/** Puts a credential where it belongs on its shelf. */
export const putOn = (slot: Slot): void => {
  const { shelf } = slot
  count(slot, 1)
  if (slot.standing === "ready") shelf.ready.add(slot)
  else if (slot.standing === "full") shelf.full.add(slot)
  if (slot.recoversAt !== null) shelf.recovering.add(slot)
}

/** Takes it from where it was put. */
export const takeOff = (slot: Slot): void => {
  const { shelf } = slot
  count(slot, -1)
  if (slot.standing === "ready") shelf.ready.remove(slot)
  else if (slot.standing === "full") shelf.full.remove(slot)
  if (slot.recoversAt !== null) shelf.recovering.remove(slot)
}

/** Whether a credential that is like this belongs on this shelf. */
export const belongsOn = (shelf: Shelf, entry: PoolEntry): boolean =>
  shelf.models === entry.models && (entry.models !== null || shelf.free === isFree(entry))

/** The shelf on which a credential like this belongs, as text. */
export const shelfKey = (entry: PoolEntry): string => {
  return JSON.stringify([entry.credential.upstream, entry.models === null ? isFree(entry) : modelsKey(entry.models)])
}

const count = ({ reason, shelf, standing }: Slot, by: 1 | -1): void => {
  shelf.size += by
  if (standing === "disabled") shelf.disabled += by
  if (standing === "cooling") shelf.cooling += by
  if (reason === "quota_exceeded") shelf.outOfQuota += by
  if (reason !== null && limits.has(reason)) shelf.limited += by
}

const byRecovery = (a: Slot, b: Slot): boolean => (a.recoversAt ?? 0) < (b.recoversAt ?? 0)

const keys = new WeakMap<ReadonlySet<string>, string>()

const modelsKey = (models: ReadonlySet<string>): string => {
  const known = keys.get(models) ?? [...models].toSorted().join("\n")
  keys.set(models, known)
  return known
}
