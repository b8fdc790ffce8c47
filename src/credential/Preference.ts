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
  /** When it last failed, -1 where it has not since its last success. */
  troubled: number
  successes: number
  place: number
}

/** The rank of an entry as it is now. */
export const rankOf = (entry: PoolEntry, isCurrent: boolean): Rank => ({
  priority: entry.credential.priority,
  waiting: isCurrent ? 0 : 1,
  busy: entry.outstanding + entry.borrowed,
  troubled: entry.troubledAt ?? -1,
  successes: entry.health.successCount,
  place: entry.place
})

/**
 * Whether one comes before the other.
 *
 * - `priority`: lower number, the current one, no recent trouble, fewer successes;
 * - `balanced`: fewer requests under way, no recent trouble, fewer successes, lower number.
 */
export const isBefore = (a: Rank, b: Rank, mode: Mode): boolean => {
  if (mode === "priority") {
    if (a.priority !== b.priority) return a.priority < b.priority
    if (a.waiting !== b.waiting) return a.waiting < b.waiting
  } else if (a.busy !== b.busy) return a.busy < b.busy
  if (a.troubled !== b.troubled) return a.troubled < b.troubled
  if (a.successes !== b.successes) return a.successes < b.successes
  return a.priority !== b.priority ? a.priority < b.priority : a.place < b.place
}
