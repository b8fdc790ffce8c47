/**
 * Observation: what the simulator has seen: requests, concurrency, bytes.
 */
import type { AwsError } from "./AwsError.ts"
import type { TokenUsage } from "./ReportedUsage.ts"
import type { Operation } from "./Script.ts"

/** Requests kept, and the sum of their bodies; past either the oldest are forgotten. */
const MAX_REQUESTS = 1_000
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** Tokens whose concurrency is known; past this the oldest are forgotten. */
const MAX_TOKENS = 10_000

/** How an answer ended. `open`: it has not; `disconnected`: the client went away first; `cut`: the script did. */
export type Ending = "open" | "complete" | "disconnected" | "cut"

/** One request as it came, and what became of it. */
export interface SeenRequest {
  readonly operation: Operation
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body's text, whole. */
  readonly body: string
  /** The bearer token, or on `refresh` the refresh token; null where there was none. */
  readonly token: string | null
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** Null until headers went out. */
  readonly status: number | null
  /** Why the simulator refused it of its own accord, or null. */
  readonly refused: AwsError | null
  /** What was counted for an answer to `generate` that ended; null for any other. */
  readonly usage: TokenUsage | null
  /** Bytes of the answer's body that were handed to the socket. */
  readonly sentBytes: number
  readonly ending: Ending
}

/** Calls of `generate` with one bearer token. */
export interface Gauge {
  readonly live: number
  readonly maximum: number
  readonly total: number
}

export type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** What a record must have to be kept, whatever else it holds. */
export type Kept = Mutable<Pick<SeenRequest, "body" | "status" | "sentBytes" | "ending">>

/** The record of one request while it is answered. */
export type Sighting = Mutable<SeenRequest>

/** The record of a request that nothing has become of yet. */
export const sightingOf = (
  request: Pick<SeenRequest, "operation" | "method" | "path" | "headers" | "body" | "token" | "receivedAt">
): Sighting => ({ ...request, status: null, refused: null, usage: null, sentBytes: 0, ending: "open" })

/** The memory of one simulator; `Seen` is what it keeps of a request. */
export class Observation<Seen extends Kept = Sighting> {
  #requests: Array<Seen> = []
  #bodyBytes = 0
  readonly #gauges = new Map<string, Mutable<Gauge>>()
  #live = 0

  /** Keeps a record, which is changed while the request is answered. */
  keep(sighting: Seen): Seen {
    this.#requests.push(sighting)
    this.#bodyBytes += sighting.body.length
    while (this.#requests.length > MAX_REQUESTS || (this.#bodyBytes > MAX_BODY_BYTES && this.#requests.length > 1)) {
      this.#bodyBytes -= this.#requests.shift()?.body.length ?? 0
    }
    return sighting
  }

  /** One more call of `generate`; the function that is returned ends it. */
  enter(token: string): () => void {
    const gauge = this.#gauges.get(token) ?? { live: 0, maximum: 0, total: 0 }
    gauge.live++
    gauge.total++
    gauge.maximum = Math.max(gauge.maximum, gauge.live)
    this.#live++
    this.#gauges.set(token, gauge)
    for (const [oldest, { live }] of this.#gauges) {
      if (this.#gauges.size <= MAX_TOKENS) break
      if (live === 0) this.#gauges.delete(oldest)
    }
    return () => {
      gauge.live--
      this.#live--
    }
  }

  /** Copies, oldest first. */
  requests(): ReadonlyArray<Readonly<Seen>> {
    return this.#requests.map((request) => ({ ...request }))
  }

  gauge(token: string): Gauge {
    return { ...(this.#gauges.get(token) ?? { live: 0, maximum: 0, total: 0 }) }
  }

  /** Calls of `generate` that are being answered now. */
  live(): number {
    return this.#live
  }

  /** Forgets the requests, and the maxima. */
  clear(): void {
    this.#requests = []
    this.#bodyBytes = 0
    for (const gauge of this.#gauges.values()) {
      gauge.maximum = gauge.live
      gauge.total = gauge.live
    }
  }
}
