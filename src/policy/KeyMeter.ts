/**
 * KeyMeter: how much of one client key's limits is in use. Time is passed in, in milliseconds since the epoch.
 *
 * Whether a request is let in is decided from all limits together, before anything of any is taken.
 */
import type { KeyLimits } from "../message/KeyLimits.ts"
import { TokenBucket } from "./TokenBucket.ts"

/** One limit a minute as it stands. */
export interface RateStanding {
  readonly limit: number
  /** What may still be used at once, in whole ones; never below 0. */
  readonly remaining: number
  /** When all of the limit is there again. Milliseconds since the epoch. */
  readonly resetsAt: number
}

/** A key's limits a minute; null: none. */
export interface KeyStanding {
  readonly requests: RateStanding | null
  readonly tokens: RateStanding | null
}

/** A limit that is reached. */
export interface Reached {
  readonly limit: "requests" | "tokens" | "concurrent"
  readonly most: number
  readonly retryAfterMs: number
}

/** What a request has taken beforehand, and from where. */
export interface Entered {
  readonly bucket: TokenBucket | null
  readonly tokens: number
}

type Rates = Pick<KeyLimits, "requestsPerMinute" | "tokensPerMinute" | "maxConcurrent">

/** When a place among the requests under way is worth another try. Milliseconds. */
const soon = 1_000
const minute = 60_000

export class KeyMeter {
  #requests: TokenBucket | null = null
  #tokens: TokenBucket | null = null
  #maxConcurrent: number | null = null
  #concurrent = 0
  /** What the current minute of the clock has seen. */
  #minute = { number: 0, requests: 0, tokens: 0 }
  #lastAt: number | null = null

  /** Requests under way. */
  get concurrent(): number {
    return this.#concurrent
  }

  /** When the last request was let in; null: none since the start. */
  get lastAt(): number | null {
    return this.#lastAt
  }

  /** The limits may have changed since the last time. */
  adjust({ maxConcurrent, requestsPerMinute, tokensPerMinute }: Rates, now: number): void {
    this.#maxConcurrent = maxConcurrent
    this.#requests = adjusted(this.#requests, requestsPerMinute, now)
    this.#tokens = adjusted(this.#tokens, tokensPerMinute, now)
  }

  /**
   * The limit for which a request has to wait longest; null where it may come.
   *
   * @param tokens what it may use by our estimate
   */
  reached(tokens: number, now: number): Reached | null {
    const most = this.#maxConcurrent
    const found: ReadonlyArray<Reached> = [
      ...waitOf("requests", this.#requests, 1, now),
      ...(tokens === 0 ? [] : waitOf("tokens", this.#tokens, tokens, now)),
      ...(most === null || this.#concurrent < most ? [] : [{ limit: "concurrent" as const, most, retryAfterMs: soon }])
    ]
    return found.reduce<Reached | null>(
      (longest, one) => (longest === null || one.retryAfterMs > longest.retryAfterMs ? one : longest),
      null
    )
  }

  /** A request comes. */
  enter(tokens: number, now: number): Entered {
    this.#concurrent++
    this.#lastAt = now
    this.#counting(now).requests++
    this.#requests?.take(1, now)
    this.#tokens?.take(tokens, now)
    return { bucket: this.#tokens, tokens }
  }

  /** What a request has used is known. */
  settle({ bucket, tokens }: Entered, actual: number, now: number): void {
    this.#counting(now).tokens += actual
    bucket?.settle(tokens, actual, now)
  }

  /** A request has ended. */
  leave(): void {
    this.#concurrent--
  }

  standing(now: number): KeyStanding {
    return { requests: standingOf(this.#requests, now), tokens: standingOf(this.#tokens, now) }
  }

  /** Requests that came and tokens that were used in the current minute of the clock. */
  thisMinute(now: number): { readonly requests: number; readonly tokens: number } {
    const { requests, tokens } = this.#counting(now)
    return { requests, tokens }
  }

  #counting(now: number) {
    const number = Math.floor(now / minute)
    if (number !== this.#minute.number) this.#minute = { number, requests: 0, tokens: 0 }
    return this.#minute
  }
}

const adjusted = (bucket: TokenBucket | null, limit: number | null, now: number): TokenBucket | null => {
  if (limit === null) return null
  if (bucket === null) return new TokenBucket(limit, now)
  if (bucket.limit !== limit) bucket.resize(limit, now)
  return bucket
}

const waitOf = (
  limit: "requests" | "tokens",
  bucket: TokenBucket | null,
  amount: number,
  now: number
): ReadonlyArray<Reached> => {
  const retryAfterMs = bucket?.wait(amount, now) ?? 0
  return bucket === null || retryAfterMs === 0 ? [] : [{ limit, most: bucket.limit, retryAfterMs }]
}

const standingOf = (bucket: TokenBucket | null, now: number): RateStanding | null =>
  bucket === null
    ? null
    : {
        limit: bucket.limit,
        // What adding up has lost is no request.
        remaining: Math.max(0, Math.floor(bucket.level(now) + 1e-6)),
        resetsAt: now + bucket.untilFull(now)
      }
