/**
 * Preference: which of two credentials that could serve comes first. Pure.
 */
import type { PoolEntry } from "./PoolEntry.ts"

/** How credentials that could serve are put in order. */
export type Mode = "priority" | "balanced"

/** What the order needs to know beside the two that it compares. */
export interface OrderContext {
  readonly mode: Mode
  /** Among equals in priority mode the one that served last goes on serving. */
  readonly current: PoolEntry | null
}

/**
 * Whether one comes before the other.
 *
 * - `priority`: lower number, the current one, no recent trouble, fewer successes;
 * - `balanced`: fewer requests under way, no recent trouble, fewer successes, lower number.
 */
export const isBefore = (a: PoolEntry, b: PoolEntry, { current, mode }: OrderContext): boolean => {
  const byPriority = a.credential.priority - b.credential.priority
  const others = (a.troubledAt ?? -1) - (b.troubledAt ?? -1) || a.health.successCount - b.health.successCount
  const order =
    mode === "priority"
      ? byPriority || Number(b === current) - Number(a === current) || others
      : a.outstanding + a.borrowed - b.outstanding - b.borrowed || others || byPriority
  return (order || a.place - b.place) < 0
}
