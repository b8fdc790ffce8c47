/**
 * CacheReport: the four counts of an answer from whatever the upstream said, and where each comes from. Pure.
 *
 * Input, cache creation and cache reads are disjoint; together they are the input that was sent.
 */
import type { CacheSource, TokenCounts, UpstreamUsage, UsageSource } from "../message/Usage.ts"

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
}

/**
 * The upstream's own counts win, then what its share of the context window implies, then our estimate. The source is
 * that of the weakest figure: an answer is `upstream` only where both input and output are.
 */
export const measure = (usage: UpstreamUsage, estimates: Estimates): Measured => {
  const output = count(usage.outputTokens) ?? estimates.output
  const outputKnown = count(usage.outputTokens) !== null
  const read = count(usage.cacheReadInputTokens)
  const written = count(usage.cacheWriteInputTokens)
  const cacheSource = read !== null || written !== null ? "upstream" : "none"
  const cache = { cache_creation_input_tokens: written ?? 0, cache_read_input_tokens: read ?? 0 }
  const uncached = count(usage.uncachedInputTokens)
  if (uncached !== null) {
    const counts = { input_tokens: withoutWrites(usage, uncached, output), output_tokens: output, ...cache }
    return { counts, source: outputKnown ? "upstream" : "estimated", cacheSource }
  }
  const share = usage.contextUsagePercentage
  const derived = share !== undefined && Number.isFinite(share) && share > 0
  const total = derived
    ? Math.max(0, Math.round((Math.min(share, 100) * estimates.window) / 100) - output)
    : estimates.input
  const input = Math.max(0, total - cache.cache_creation_input_tokens - cache.cache_read_input_tokens)
  return {
    counts: { input_tokens: input, output_tokens: output, ...cache },
    source: derived ? "derived" : "estimated",
    cacheSource
  }
}

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
