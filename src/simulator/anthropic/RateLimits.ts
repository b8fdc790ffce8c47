/**
 * RateLimits: what the headers say of each account's limits. Nothing is held back by them.
 *
 * **Source:** Anthropic's documentation of rate limits: names of the headers, RFC 3339 times.
 */
import { DateTime } from "effect"

const LIMITS = { requests: 4_000, "input-tokens": 2_000_000, "output-tokens": 400_000 }
const WINDOW_MS = 60_000
/** Accounts whose use is counted; past this the oldest are counted anew. */
const MAX_ACCOUNTS = 10_000

interface Used {
  readonly window: number
  readonly requests: number
  readonly input: number
  readonly output: number
}

export class RateLimits {
  readonly #used = new Map<string, Used>()

  /** Counts what an account used, in the minute it is. */
  count(
    account: string,
    now: number,
    more: { readonly requests: number; readonly input: number; readonly output: number }
  ) {
    const used = this.#usedBy(account, now)
    this.#used.delete(account)
    this.#used.set(account, {
      window: used.window,
      requests: used.requests + more.requests,
      input: used.input + more.input,
      output: used.output + more.output
    })
    for (const oldest of this.#used.keys()) {
      if (this.#used.size <= MAX_ACCOUNTS) return
      this.#used.delete(oldest)
    }
  }

  /** The headers that tell an account what is left. */
  headers(account: string, now: number): Readonly<Record<string, string>> {
    const { input, output, requests, window } = this.#usedBy(account, now)
    const reset = DateTime.formatIso(DateTime.makeUnsafe((window + 1) * WINDOW_MS)).replace(/\.\d+Z$/, "Z")
    const rows = [
      ["requests", LIMITS.requests, requests],
      ["input-tokens", LIMITS["input-tokens"], input],
      ["output-tokens", LIMITS["output-tokens"], output],
      ["tokens", LIMITS["input-tokens"] + LIMITS["output-tokens"], input + output]
    ] as const
    return Object.fromEntries(
      rows.flatMap(([name, limit, used]) => [
        [`anthropic-ratelimit-${name}-limit`, String(limit)],
        [`anthropic-ratelimit-${name}-remaining`, String(Math.max(0, limit - used))],
        [`anthropic-ratelimit-${name}-reset`, reset]
      ])
    )
  }

  #usedBy(account: string, now: number): Used {
    const window = Math.floor(now / WINDOW_MS)
    const used = this.#used.get(account)
    return used?.window === window ? used : { window, requests: 0, input: 0, output: 0 }
  }
}
