/**
 * RateLimitHeaders: how a client is told of its own key's limits a minute. Those of credentials are never told.
 *
 * **Source:** Anthropic, rate limits, response headers: `anthropic-ratelimit-*`, with the time of the reset in RFC 3339.
 */
import { DateTime } from "effect"
import type { KeyAdmission } from "../policy/KeyAdmission.ts"

type Standing = ReturnType<KeyAdmission["Service"]["standing"]>

/** Empty for a key without such limits. */
export const rateLimitHeaders = ({ requests, tokens }: Standing): Record<string, string> => {
  const headers: Record<string, string> = {}
  if (requests !== null) {
    headers["anthropic-ratelimit-requests-limit"] = String(requests.limit)
    headers["anthropic-ratelimit-requests-remaining"] = String(requests.remaining)
    headers["anthropic-ratelimit-requests-reset"] = timeOf(requests.resetsAt)
  }
  if (tokens !== null) {
    headers["anthropic-ratelimit-tokens-limit"] = String(tokens.limit)
    headers["anthropic-ratelimit-tokens-remaining"] = String(tokens.remaining)
    headers["anthropic-ratelimit-tokens-reset"] = timeOf(tokens.resetsAt)
  }
  return headers
}

/** In RFC 3339, of whole seconds, never too early. */
const timeOf = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(Math.ceil(millis / 1000) * 1000))
