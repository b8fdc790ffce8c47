/**
 * UsageReport: collects the figures that an answer's events give.
 */
import type { UpstreamUsage } from "../../message/Usage.ts"

/** Counts the upstream gives under the names Weir gives them. */
const COUNTS = [
  "uncachedInputTokens",
  "outputTokens",
  "totalTokens",
  "cacheReadInputTokens",
  "cacheWriteInputTokens"
] as const

/** A figure given twice counts once, the later one; only what was charged adds up. */
export class UsageReport {
  #usage: UpstreamUsage = {}

  /** Takes the token counts and the context share that `figures` has; anything that is no count is left out. */
  addTokens(figures: Readonly<Record<string, unknown>>): void {
    for (const name of COUNTS) {
      const count = nonNegative(figures[name])
      if (count !== null) this.#usage = { ...this.#usage, [name]: Math.round(count) }
    }
    const share = nonNegative(figures["contextUsagePercentage"])
    if (share !== null) this.#usage = { ...this.#usage, contextUsagePercentage: Math.min(100, share) }
  }

  /** Takes what one `meteringEvent` says was charged, in credits. */
  addCredits(charged: unknown): void {
    const credits = nonNegative(charged)
    if (credits !== null) this.#usage = { ...this.#usage, credits: (this.#usage.credits ?? 0) + credits }
  }

  /** Whether the answer filled the model's context window. */
  get isWindowExceeded(): boolean {
    return (this.#usage.contextUsagePercentage ?? 0) >= 100
  }

  /** Whether a figure came that is only known when the answer has ended. */
  get isFinal(): boolean {
    return this.#usage.outputTokens !== undefined || this.#usage.credits !== undefined
  }

  read(): UpstreamUsage {
    return this.#usage
  }
}

/** More than any answer can use: a figure above it is none. */
const most = 1e12

const nonNegative = (value: unknown): number | null =>
  typeof value === "number" && value >= 0 && value <= most ? value : null
