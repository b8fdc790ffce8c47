/**
 * RateLimits: what an upstream tells of an account's limits beside its answers. Pure.
 *
 * **Source:** Anthropic Messages API, rate limits: the headers `anthropic-ratelimit-*`.
 */

/** One limit, as it was told last. What was not told, or makes no sense, is null. */
export interface RateLimit {
  /** The most that is allowed in the limit's window, in the limit's own unit. */
  readonly limit: number | null
  /** What is left of it. */
  readonly remaining: number | null
  /** When the window begins anew. Milliseconds since the epoch. */
  readonly resetsAt: number | null
}

/** Limits by the upstream's own name: `requests`, `tokens`, `input-tokens`, `output-tokens`, `unified`, … */
export type RateLimits = ReadonlyMap<string, RateLimit>

/** Most limits that are kept of one account; more are not looked at. */
export const mostLimits = 16
/** Longest name of a limit; what is longer is none. Characters. */
const longestName = 64
/** A share of a limit below this is little. */
const little = 0.1
/** How long is believed what was told without an end. Milliseconds. */
const believedFor = 60_000
/** The latest moment that a date can name. Milliseconds since the epoch. */
const latest = 8.64e15

/** Limits as an upstream told them, bounded, without numbers that are none. */
export const rateLimits = (told: Iterable<readonly [name: string, limit: RateLimit]>): RateLimits => {
  const limits = new Map<string, RateLimit>()
  for (const [name, { limit, remaining, resetsAt }] of told) {
    if (limits.size === mostLimits) break
    if (name === "" || name.length > longestName) continue
    const at = amount(resetsAt)
    limits.set(name, {
      limit: amount(limit),
      remaining: amount(remaining),
      resetsAt: at === null || at > latest ? null : at
    })
  }
  return limits
}

/**
 * Until when one of the limits is used up, or null where none is, or it is not told until when.
 *
 * @param now milliseconds since the epoch, as is the result
 */
export const usedUpUntil = (limits: RateLimits, now: number): number | null => {
  let until = now
  for (const { remaining, resetsAt } of limits.values()) {
    if (remaining === 0 && resetsAt !== null) until = Math.max(until, resetsAt)
  }
  return until === now ? null : until
}

/**
 * Until when little is left of one of the limits, or null where of each at least a tenth is.
 *
 * @param now when it was told; milliseconds since the epoch, as is the result
 */
export const scarceUntil = (limits: RateLimits, now: number): number | null => {
  let until = now
  for (const { limit, remaining, resetsAt } of limits.values()) {
    if (limit === null || remaining === null || limit === 0 || remaining / limit >= little) continue
    until = Math.max(until, resetsAt ?? now + believedFor)
  }
  return until === now ? null : until
}

const amount = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) && value >= 0 ? value : null
