/**
 * KeyUse: what one client key has used today and this month, by UTC's calendar.
 */
import { DateTime } from "effect"
import type { Period } from "./KeyLimits.ts"
import type { RequestRecord } from "./RequestRecord.ts"

/** What requests have used together. */
export interface Spent {
  /** Input, cache writes, cache reads and output. */
  readonly tokens: number
  readonly credits: number
}

export const nothingSpent: Spent = { tokens: 0, credits: 0 }

/** What a key's requests of one day have used. */
export interface DayUse extends Spent {
  readonly keyId: string
  /** Whole days since the epoch. */
  readonly day: number
  /** When the last of them came. Milliseconds since the epoch. */
  readonly lastAt: number
}

/** The day of a time, in whole days since the epoch. */
export const dayOf = (time: number): number => Math.floor(time / dayMs)

const dayMs = 86_400_000

/** What a request counts for: whole tokens. */
export const spentOf = ({ credits, usage }: Pick<RequestRecord, "credits" | "usage">): Spent => ({
  tokens: Math.round(
    usage.input_tokens + usage.output_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens
  ),
  credits: credits ?? 0
})

/** What requests have used, by key and day; nobody's are left out. */
export const usesOf = (records: ReadonlyArray<RequestRecord>): ReadonlyArray<DayUse> => {
  const uses = new Map<string, DayUse>()
  for (const { credits, keyId, time, usage } of records) {
    if (keyId === null) continue
    const day = dayOf(time)
    const spent = spentOf({ credits, usage })
    const use = uses.get(`${day} ${keyId}`)
    uses.set(`${day} ${keyId}`, {
      keyId,
      day,
      tokens: (use?.tokens ?? 0) + spent.tokens,
      credits: (use?.credits ?? 0) + spent.credits,
      lastAt: Math.max(use?.lastAt ?? 0, time)
    })
  }
  return [...uses.values()]
}

/** When the period of a time began and when the next one begins. Milliseconds since the epoch. */
export const boundsOf = (per: Period, time: number): { readonly start: number; readonly end: number } => {
  if (per === "day") return { start: timeOf(dayOf(time)), end: timeOf(dayOf(time) + 1) }
  const start = DateTime.startOf(DateTime.makeUnsafe(time), "month")
  return { start: DateTime.toEpochMillis(start), end: DateTime.toEpochMillis(DateTime.add(start, { months: 1 })) }
}

/** The first moment of a day. Milliseconds since the epoch. */
export const timeOf = (day: number): number => day * dayMs

/** Adds up one key's requests. A request belongs to the period in which it came, whenever it ends. */
export class KeyUse {
  readonly #periods: Readonly<Record<Period, Tally>> = { day: new Tally("day"), month: new Tally("month") }
  #lastAt = 0

  /** When the last request came that has ended; 0: never. Milliseconds since the epoch. */
  get lastAt(): number {
    return this.#lastAt
  }

  add(time: number, spent: Spent, lastAt = time): void {
    this.#periods.day.add(time, spent)
    this.#periods.month.add(time, spent)
    this.#lastAt = Math.max(this.#lastAt, lastAt)
  }

  /** What was used in the period of a time. */
  in(per: Period, time: number): Spent {
    return this.#periods[per].at(time)
  }
}

/** What was used in the latest of all periods that were heard of. */
class Tally {
  readonly #per: Period
  #bounds = { start: 0, end: 0 }
  #tokens = 0
  #credits = 0

  constructor(per: Period) {
    this.#per = per
  }

  add(time: number, { credits, tokens }: Spent): void {
    if (time < this.#bounds.start) return
    if (time >= this.#bounds.end) {
      this.#bounds = boundsOf(this.#per, time)
      this.#tokens = 0
      this.#credits = 0
    }
    this.#tokens += tokens
    this.#credits += credits
  }

  at(time: number): Spent {
    const { end, start } = this.#bounds
    return time < start || time >= end ? nothingSpent : { tokens: this.#tokens, credits: this.#credits }
  }
}
