/**
 * AnthropicLimits: what an account is told of its limits in the headers of an answer. Pure.
 *
 * **Details**
 *
 * Accounts with a key have limits by name, with what is left of each. Accounts that sign in have one verdict, `unified`,
 * over windows of which only the used share is told: a window is never used up by itself, for what follows from that is
 * the verdict's to say. Windows of single models, and what may be used beyond, say nothing of the account as a whole.
 *
 * **Source:** Anthropic API, rate limits: `anthropic-ratelimit-NAME-{limit,remaining,reset}`, times as RFC 3339; and
 * `anthropic-ratelimit-unified-*`, times in seconds since the epoch.
 */
import type { RateLimit, RateLimits } from "../../message/RateLimits.ts"

const counted = /^anthropic-ratelimit-(?!unified)(.+)-(?:limit|remaining|reset)$/
const windows = ["5h", "7d"]
const unified = "anthropic-ratelimit-unified"

/** The limits by their names; empty where the answer tells of none. @param headers names in lower case */
export const limitsIn = (headers: Readonly<Record<string, string>>): RateLimits => {
  const limits = new Map<string, RateLimit>()
  for (const key of Object.keys(headers)) {
    const name = counted.exec(key)?.[1]
    if (name === undefined || limits.has(name)) continue
    const of = (member: string) => headers[`anthropic-ratelimit-${name}-${member}`]
    limits.set(name, {
      limit: numberOf(of("limit")),
      remaining: numberOf(of("remaining")),
      resetsAt: timeOf(of("reset"))
    })
  }
  const verdict = headers[`${unified}-status`]
  if (verdict !== undefined) {
    const remaining = verdict === "rejected" ? 0 : null
    limits.set("unified", { limit: null, remaining, resetsAt: timeOf(headers[`${unified}-reset`]) })
  }
  for (const window of windows) {
    const used = numberOf(headers[`${unified}-${window}-utilization`])
    if (used === null) continue
    // As of a hundred; never none.
    const remaining = Math.max(1, Math.floor(100 - used * 100))
    limits.set(`unified-${window}`, { limit: 100, remaining, resetsAt: timeOf(headers[`${unified}-${window}-reset`]) })
  }
  return limits
}

const numberOf = (text = ""): number | null => {
  const value = Number(text)
  return text.trim() !== "" && Number.isFinite(value) ? value : null
}

/** Milliseconds since the epoch. */
const timeOf = (text = ""): number | null => {
  const seconds = numberOf(text)
  const at = seconds === null ? Date.parse(text) : seconds * 1000
  return Number.isFinite(at) ? at : null
}
