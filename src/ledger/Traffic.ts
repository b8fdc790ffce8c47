/**
 * Traffic: what the last hour's requests came to, minute by minute, in memory.
 *
 * Fixed in size: one slot for each of sixty-one minutes, each with counters, two histograms and at most
 * {@link mostErrors} kinds of errors. A request costs the same whatever was noted before. What is older than the slots is
 * not looked at; the ledger has it.
 */
import type { RequestRecord } from "../message/RequestRecord.ts"
import { LogHistogram } from "../telemetry/LogHistogram.ts"

/** Minutes that are told. */
export const minutes = 60
const minuteMs = 60_000
/** Kinds of errors that a minute tells apart; all others count as `other`. */
export const mostErrors = 32

/** Input tokens and how many of them came from a cache. */
export interface CacheShare {
  readonly input: number
  readonly read: number
}

/** Sums over some time. */
export interface TrafficFigures {
  readonly requests: number
  readonly ok: number
  readonly failed: number
  readonly clientClosed: number
  /** Sent to upstreams, cached or not. Tokens. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** Milliseconds; null where nothing got that far. */
  readonly firstEventP50: number | null
  readonly firstEventP95: number | null
  readonly totalP50: number | null
  readonly totalP95: number | null
  /** How often requests failed by which kind: that of the last attempt, else the type of the answer's error. */
  readonly errors: Readonly<Record<string, number>>
  readonly cache: {
    /** Where upstreams gave the figures. */
    readonly measured: CacheShare
    readonly estimated: CacheShare
    /** What clients were told in place of measured figures. */
    readonly reported: CacheShare
  }
}

export interface TrafficMinute extends TrafficFigures {
  /** Its beginning. Milliseconds since the epoch. */
  readonly time: number
}

export interface TrafficSummary {
  /** The last whole minute. */
  readonly minute: TrafficFigures
  /** The minutes of the series together. */
  readonly hour: TrafficFigures
  /** The last sixty minutes, the oldest first; the last one is under way. */
  readonly series: ReadonlyArray<TrafficMinute>
}

/** Counts in the order of {@link names}. */
class Slot {
  /** Minutes since the epoch; -1: never used. */
  minute = -1
  readonly counts = new Float64Array(names.length)
  readonly firstEvent = new LogHistogram()
  readonly total = new LogHistogram()
  readonly errors = new Map<string, number>()

  begin(minute: number): void {
    this.minute = minute
    this.counts.fill(0)
    this.firstEvent.clear()
    this.total.clear()
    this.errors.clear()
  }

  count(name: Name, by: number): void {
    const index = names.indexOf(name)
    this.counts[index] = (this.counts[index] ?? 0) + by
  }

  failed(kind: string, by: number): void {
    const counted = this.errors.has(kind) || this.errors.size < mostErrors ? kind : "other"
    this.errors.set(counted, (this.errors.get(counted) ?? 0) + by)
  }

  add(other: Slot): void {
    other.counts.forEach((count, index) => {
      this.counts[index] = (this.counts[index] ?? 0) + count
    })
    this.firstEvent.add(other.firstEvent)
    this.total.add(other.total)
    for (const [kind, count] of other.errors) this.failed(kind, count)
  }
}

const names = [
  "requests",
  "ok",
  "failed",
  "client_closed",
  "input",
  "output",
  "measuredInput",
  "measuredRead",
  "estimatedInput",
  "estimatedRead",
  "reportedInput",
  "reportedRead"
] as const
type Name = (typeof names)[number]

export class Traffic {
  readonly #slots = Array.from({ length: minutes + 1 }, () => new Slot())

  /** Notes a request that has ended, in the minute in which it did. */
  note(record: RequestRecord): void {
    const { error, outcome, phases, reported, time, usage } = record
    const minute = Math.floor((time + phases.total) / minuteMs)
    const slot = this.#slots[minute % this.#slots.length]
    if (slot === undefined || slot.minute > minute || minute < 0) return
    if (slot.minute < minute) slot.begin(minute)
    slot.count("requests", 1)
    if (outcome !== "abandoned") slot.count(outcome, 1)
    slot.count("input", inputOf(usage))
    slot.count("output", usage.output_tokens)
    if (usage.cacheSource === "upstream") {
      slot.count("measuredInput", inputOf(usage))
      slot.count("measuredRead", usage.cache_read_input_tokens)
    } else if (usage.cacheSource === "estimated") {
      slot.count("estimatedInput", inputOf(usage))
      slot.count("estimatedRead", usage.cache_read_input_tokens)
    }
    if (reported !== null) {
      slot.count("reportedInput", inputOf(reported))
      slot.count("reportedRead", reported.cache_read_input_tokens)
    }
    if (phases.firstEvent !== null) slot.firstEvent.note(phases.firstEvent)
    slot.total.note(phases.total)
    if (outcome === "failed") slot.failed(record.attempts.at(-1)?.failure?.kind ?? error?.type ?? "other", 1)
  }

  /** @param now milliseconds since the epoch */
  summary(now: number): TrafficSummary {
    const current = Math.floor(now / minuteMs)
    const hour = new Slot()
    const series = Array.from({ length: minutes }, (_, index) => {
      const minute = current - minutes + 1 + index
      const slot = this.#at(minute)
      hour.add(slot)
      return { time: minute * minuteMs, ...figuresOf(slot) }
    })
    return { minute: figuresOf(this.#at(current - 1)), hour: figuresOf(hour), series }
  }

  #at(minute: number): Slot {
    return this.#slots.find((slot) => slot.minute === minute) ?? new Slot()
  }
}

const inputOf = (usage: {
  readonly input_tokens: number
  readonly cache_creation_input_tokens: number
  readonly cache_read_input_tokens: number
}): number => usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens

const figuresOf = ({ counts, errors, firstEvent, total }: Slot): TrafficFigures => {
  const of = (name: Name) => counts[names.indexOf(name)] ?? 0
  return {
    requests: of("requests"),
    ok: of("ok"),
    failed: of("failed"),
    clientClosed: of("client_closed"),
    inputTokens: of("input"),
    outputTokens: of("output"),
    firstEventP50: firstEvent.quantile(0.5),
    firstEventP95: firstEvent.quantile(0.95),
    totalP50: total.quantile(0.5),
    totalP95: total.quantile(0.95),
    errors: Object.fromEntries(errors),
    cache: {
      measured: { input: of("measuredInput"), read: of("measuredRead") },
      estimated: { input: of("estimatedInput"), read: of("estimatedRead") },
      reported: { input: of("reportedInput"), read: of("reportedRead") }
    }
  }
}
