/**
 * CacheReport: the four counts of an answer from whatever the upstream said, and where each comes from. Pure.
 *
 * Input, cache creation and cache reads are disjoint; together they are the input that was sent.
 */
import type { CacheSource, CallUsage, TokenCounts, UpstreamUsage, UsageSource } from "../message/Usage.ts"

/** What is known beside the upstream's figures. Tokens. */
export interface Estimates {
  readonly input: number
  readonly output: number
  /** The model's context window. */
  readonly window: number
}

export interface Measured {
  readonly counts: TokenCounts
  readonly source: UsageSource
  readonly cacheSource: CacheSource
  /** Of the cache creation what lasts an hour. Tokens. */
  readonly hour: number
}

/**
 * The upstream's own counts win, then what a total or its share of the context window implies, then our estimate. It is
 * `upstream` only where both input and output are, and `derived` where the input is.
 */
export const measureCall = (usage: UpstreamUsage, estimates: Estimates): Measured => {
  const output = count(usage.outputTokens) ?? estimates.output
  const outputKnown = count(usage.outputTokens) !== null
  const read = count(usage.cacheReadInputTokens)
  const written = count(usage.cacheWriteInputTokens)
  const cacheSource = read !== null || written !== null ? "upstream" : "none"
  const cache = { cache_creation_input_tokens: written ?? 0, cache_read_input_tokens: read ?? 0 }
  const hour = Math.min(written ?? 0, count(usage.cacheWriteHourInputTokens) ?? 0)
  const uncached = count(usage.uncachedInputTokens)
  if (uncached !== null) {
    const counts = { input_tokens: withoutWrites(usage, uncached, output), output_tokens: output, ...cache }
    return { counts, source: outputKnown ? "upstream" : "estimated", cacheSource, hour }
  }
  const derived = derivedInput(usage, output, estimates.window)
  const total = derived ?? estimates.input
  const input = Math.max(0, total - cache.cache_creation_input_tokens - cache.cache_read_input_tokens)
  return {
    counts: { input_tokens: input, output_tokens: output, ...cache },
    source: derived === null ? "estimated" : "derived",
    cacheSource,
    hour
  }
}

/** All of the input, from a total that contains it, or null. The share of the window is a total, too. */
const derivedInput = (usage: UpstreamUsage, output: number, window: number): number | null => {
  const all = count(usage.totalTokens)
  if (all !== null && count(usage.outputTokens) !== null) return Math.max(0, all - output)
  const share = usage.contextUsagePercentage
  return share !== undefined && Number.isFinite(share) && share > 0
    ? Math.max(0, Math.round((Math.min(share, 100) * window) / 100) - output)
    : null
}

/** The same of all upstream calls of an answer together; the source is that of the weakest. */
export const measure = (calls: ReadonlyArray<CallUsage>, request: Pick<Estimates, "input" | "window">): Measured =>
  calls
    .map(({ inputAdded, outputEstimate, usage }) =>
      measureCall(usage, { input: request.input + inputAdded, output: outputEstimate, window: request.window })
    )
    .reduce(together)

const together = (one: Measured, other: Measured): Measured => ({
  counts: {
    input_tokens: one.counts.input_tokens + other.counts.input_tokens,
    output_tokens: one.counts.output_tokens + other.counts.output_tokens,
    cache_creation_input_tokens: one.counts.cache_creation_input_tokens + other.counts.cache_creation_input_tokens,
    cache_read_input_tokens: one.counts.cache_read_input_tokens + other.counts.cache_read_input_tokens
  },
  source: strength.indexOf(one.source) < strength.indexOf(other.source) ? one.source : other.source,
  cacheSource: one.cacheSource === "upstream" ? one.cacheSource : other.cacheSource,
  hour: one.hour + other.hour
})

/** The weakest first. */
const strength: ReadonlyArray<UsageSource> = ["estimated", "derived", "upstream"]

/** Some upstreams count cache writes as uncached input too; the total tells which is the case. */
const withoutWrites = (usage: UpstreamUsage, uncached: number, output: number): number => {
  const written = count(usage.cacheWriteInputTokens) ?? 0
  const read = count(usage.cacheReadInputTokens) ?? 0
  const included = written > 0 && uncached >= written && uncached + read + output === count(usage.totalTokens)
  return included ? uncached - written : uncached
}

/** A whole, non-negative number, or null where the upstream gave none. */
const count = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? Math.max(0, Math.round(value)) : null
