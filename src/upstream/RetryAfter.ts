/**
 * RetryAfter: what a `retry-after` header says. Pure.
 *
 * **Source:** RFC 9110, 10.2.3.
 */

/**
 * Milliseconds from now; null where it is neither a number of seconds nor a date to come.
 *
 * @param now milliseconds since the epoch
 */
export const retryAfter = (header: string | undefined, now: number): number | null => {
  if (header === undefined) return null
  const value = header.trim()
  const ms = /^\d+(?:\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(ms) && ms >= 0 ? ms : null
}
