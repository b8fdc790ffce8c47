/**
 * Preference: which of two credentials that could serve comes first. Pure.
 */
import type { PoolEntry } from "./PoolEntry.ts"

/** How credentials that could serve are put in order. */
export type Mode = "priority" | "balanced"

/** What decides the order, in numbers side by side: a heap of thousands reads them at every step. Lower comes first. */
export interface Rank {
  priority: number
  /** 0 for the one that served last in priority mode, which goes on serving among its equals; else 1. */
  waiting: number
  /** Requests under way. */
  busy: number
  /** 1 where little is left of one of its upstream's limits; else 0. */
  scarce: number
  /** When it last failed, -1 where it has not since its last success. */
  troubled: number
  successes: number
  place: number
}

/** The rank of an entry as it is now. @param now milliseconds since the epoch */
export const rankOf = (entry: PoolEntry, isCurrent: boolean, now: number): Rank => ({
  priority: entry.credential.priority,
  waiting: isCurrent ? 0 : 1,
  busy: entry.outstanding + entry.borrowed,
  scarce: entry.scarceUntil !== null && entry.scarceUntil > now ? 1 : 0,
  troubled: entry.troubledAt ?? -1,
  successes: entry.health.successCount,
  place: entry.place
})

type Key = keyof Rank

/** What is compared, the most important first. */
const keys: Readonly<Record<Mode, ReadonlyArray<Key>>> = {
  priority: ["priority", "waiting", "troubled", "successes", "place"],
  balanced: ["busy", "scarce", "troubled", "successes", "priority", "place"]
}

const words: Readonly<Record<Key, string>> = {
  priority: "the lowest priority number",
  waiting: "it served last, and is as good as the others",
  busy: "the fewest requests under way",
  scarce: "more is left of its limits",
  troubled: "no trouble of late",
  successes: "the fewest answers so far",
  place: "it came to the pool first"
}

/**
 * Whether one comes before the other.
 *
 * - `priority`: lower number, the current one, no recent trouble, fewer successes;
 * - `balanced`: fewer requests under way, enough left of its limits, no recent trouble, fewer successes, lower number.
 */
export const isBefore = (a: Rank, b: Rank, mode: Mode): boolean => {
  for (const key of keys[mode]) if (a[key] !== b[key]) return a[key] < b[key]
  return false
}

/** What puts one before the other, in words. */
export const deciding = (a: Rank, b: Rank, mode: Mode): string =>
  words[keys[mode].find((key) => a[key] !== b[key]) ?? "place"]
