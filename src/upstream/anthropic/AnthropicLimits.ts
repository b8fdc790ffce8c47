/**
 * AnthropicLimits: what an account is told of its limits in the headers of an answer. Pure.
 *
 * **Source:** Anthropic API, rate limits: `anthropic-ratelimit-NAME-{limit,remaining,reset}`, times as RFC 3339; and, for
 * accounts that sign in, `anthropic-ratelimit-unified-*`, times in seconds since the epoch.
 */
import type { RateLimit, RateLimits } from "../../message/RateLimits.ts"

const header = /^anthropic-ratelimit-(.+)-(limit|remaining|reset|utilization|status)$/

type Told = { -readonly [Member in keyof RateLimit]: RateLimit[Member] }

/** The limits by their names; empty where the answer tells of none. @param headers names in lower case */
export const limitsIn = (headers: Readonly<Record<string, string>>): RateLimits => {
  const limits = new Map<string, Told>()
  for (const [key, value] of Object.entries(headers)) {
    const [, name, member] = header.exec(key) ?? []
    if (name === undefined) continue
    const told = limits.get(name) ?? { limit: null, remaining: null, resetsAt: null }
    limits.set(name, told)
    if (member === "reset") told.resetsAt = timeOf(value)
    else if (member === "limit" || member === "remaining") told[member] = numberOf(value)
    else if (member === "status") told.remaining ??= value === "rejected" ? 0 : null
    else {
      // A share of the window that is used; as a limit of a hundred.
      const used = numberOf(value)
      if (used === null) continue
      told.limit = 100
      told.remaining = Math.max(0, 100 - Math.round(used * 100))
    }
  }
  return limits
}

const numberOf = (text: string): number | null => {
  const value = Number(text)
  return text.trim() !== "" && Number.isFinite(value) ? value : null
}

/** Milliseconds since the epoch. */
const timeOf = (text: string): number | null => {
  const seconds = numberOf(text)
  const at = seconds === null ? Date.parse(text) : seconds * 1000
  return Number.isFinite(at) ? at : null
}
