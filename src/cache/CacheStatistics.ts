/**
 * CacheStatistics: how well prompt caching works. Figures that an upstream gave, those that were estimated and those that
 * clients were told are kept apart.
 *
 * Bounded: the last events of five minutes, at most {@link kept}; credentials and models by the thousand, of which the
 * least recently used go first.
 */

/** Events that are kept for the shares of the last minutes. */
export const kept = 2_048
/** Credentials, and models, whose figures are kept. */
const rows = 1_000

/** Where figures come from. */
export type Origin = "measured" | "estimated" | "reported"

/** One answer's share. Tokens. */
export interface CacheEvent {
  readonly origin: Origin
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly read: number
  readonly credential: string
  readonly model: string
}

/** Figures of one origin. */
export interface OriginFigures {
  readonly hitRate1m: number
  readonly hitRate5m: number
  readonly readTokens: number
  readonly savedInputTokens1m: number
  readonly savedInputTokens5m: number
}

/** Figures of one credential or model; what clients were told is not in them. */
export interface RowFigures {
  readonly id: string
  readonly hits: number
  readonly misses: number
  readonly readTokens: number
}

export class CacheStatistics {
  readonly #events: Array<CacheEvent> = []
  readonly #read: Record<Origin, number> = { measured: 0, estimated: 0, reported: 0 }
  readonly #byCredential = new Map<string, RowFigures>()
  readonly #byModel = new Map<string, RowFigures>()
  #hits = 0
  #misses = 0
  #lost = 0

  /** One answer of a request that asked for caching. */
  record(event: CacheEvent): void {
    this.#events.push(event)
    if (this.#events.length > kept) this.#events.splice(0, kept / 2)
    this.#read[event.origin] += event.read
    if (event.origin === "reported") return
    if (event.read > 0) this.#hits++
    else this.#misses++
    count(this.#byCredential, event.credential, event.read)
    count(this.#byModel, event.model, event.read)
  }

  /** Tokens that another credential has cached and this one has not. */
  lose(tokens: number): void {
    this.#lost += tokens
  }

  get hits(): number {
    return this.#hits
  }

  get misses(): number {
    return this.#misses
  }

  get lost(): number {
    return this.#lost
  }

  get byCredential(): ReadonlyArray<RowFigures> {
    return [...this.#byCredential.values()]
  }

  get byModel(): ReadonlyArray<RowFigures> {
    return [...this.#byModel.values()]
  }

  /** @param now milliseconds since the epoch */
  figures(origin: Origin, now: number): OriginFigures {
    const of = (ms: number) => this.#events.filter((event) => event.origin === origin && now - event.at < ms)
    const [one, five] = [of(60_000), of(300_000)]
    return {
      hitRate1m: hitRate(one),
      hitRate5m: hitRate(five),
      readTokens: this.#read[origin],
      savedInputTokens1m: sum(one),
      savedInputTokens5m: sum(five)
    }
  }
}

/** Share of answers that read from the cache, 0 to 1; 0 where there were none. */
const hitRate = (events: ReadonlyArray<CacheEvent>): number =>
  events.length === 0 ? 0 : events.filter(({ read }) => read > 0).length / events.length

const sum = (events: ReadonlyArray<CacheEvent>): number => events.reduce((total, { read }) => total + read, 0)

const count = (table: Map<string, RowFigures>, id: string, read: number): void => {
  const before = table.get(id) ?? { id, hits: 0, misses: 0, readTokens: 0 }
  const hit = read > 0 ? 1 : 0
  table.delete(id)
  table.set(id, {
    id,
    hits: before.hits + hit,
    misses: before.misses + 1 - hit,
    readTokens: before.readTokens + read
  })
  if (table.size <= rows) return
  for (const oldest of table.keys()) {
    table.delete(oldest)
    return
  }
}
