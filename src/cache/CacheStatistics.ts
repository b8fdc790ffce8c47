/**
 * CacheStatistics: how well prompt caching works. Figures that an upstream gave, those that were estimated and those that
 * clients were told are kept apart.
 *
 * Bounded: a sum for each second of the last five minutes; credentials and models by the thousand, of which the least
 * recently used go first.
 */

/** Seconds that are kept for the shares of the last minutes. */
const seconds = 300
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

/** All answers of one second. */
interface Second {
  /** Seconds since the epoch. */
  at: number
  answers: number
  hits: number
  read: number
}

/** The last seconds in a ring. */
const ring = (): ReadonlyArray<Second> =>
  Array.from({ length: seconds }, () => ({ at: -1, answers: 0, hits: 0, read: 0 }))

export class CacheStatistics {
  readonly #seconds: Readonly<Record<Origin, ReadonlyArray<Second>>> = {
    measured: ring(),
    estimated: ring(),
    reported: ring()
  }
  readonly #read: Record<Origin, number> = { measured: 0, estimated: 0, reported: 0 }
  readonly #byCredential = new Map<string, RowFigures>()
  readonly #byModel = new Map<string, RowFigures>()
  #hits = 0
  #misses = 0
  #lost = 0

  /** One answer of a request that asked for caching. */
  record(event: CacheEvent): void {
    const at = Math.floor(event.at / 1_000)
    const second = this.#seconds[event.origin][at % seconds]
    if (second !== undefined) {
      if (second.at !== at) Object.assign(second, { at, answers: 0, hits: 0, read: 0 })
      second.answers++
      second.hits += event.read > 0 ? 1 : 0
      second.read += event.read
    }
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
    const until = Math.floor(now / 1_000)
    const of = (length: number) => this.#seconds[origin].filter(({ at }) => at > until - length && at <= until)
    const [one, five] = [of(60), of(seconds)]
    return {
      hitRate1m: hitRate(one),
      hitRate5m: hitRate(five),
      readTokens: this.#read[origin],
      savedInputTokens1m: sum(one, "read"),
      savedInputTokens5m: sum(five, "read")
    }
  }
}

/** Share of answers that read from the cache, 0 to 1; 0 where there were none. */
const hitRate = (of: ReadonlyArray<Second>): number => sum(of, "hits") / Math.max(1, sum(of, "answers"))

const sum = (of: ReadonlyArray<Second>, name: "answers" | "hits" | "read"): number =>
  of.reduce((total, second) => total + second[name], 0)

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
