/**
 * ReportedUsage: a steady share of cache reads, told instead of the measured figures where an operator wants that, and
 * never without them. Pure.
 */
import type { TokenCounts, Usage } from "../message/Usage.ts"

type Counted = Pick<Usage, keyof TokenCounts | "cache_creation">

/**
 * The figures that a client is told. The sum of the input stays; reads never get fewer; what they gain is taken from
 * writes first, from those of five minutes before those of an hour.
 *
 * @param ratio share of the prefix that is told as read, 0 to 0.95
 * @param prefix our estimate of the input up to the last breakpoint. Tokens
 */
export const reported = (measured: Counted, ratio: number, prefix: number): Counted => {
  const { cache_creation_input_tokens: creation, cache_read_input_tokens: read } = measured
  const total = measured.input_tokens + creation + read
  const share = Math.floor(Math.min(prefix, total) * ratio)
  const more = Math.max(read, share) - read
  const taken = Math.min(more, creation)
  const ofFive = Math.min(taken, measured.cache_creation.ephemeral_5m_input_tokens)
  return {
    output_tokens: measured.output_tokens,
    input_tokens: total - (read + more) - (creation - taken),
    cache_creation_input_tokens: creation - taken,
    cache_read_input_tokens: read + more,
    cache_creation: {
      ephemeral_5m_input_tokens: measured.cache_creation.ephemeral_5m_input_tokens - ofFive,
      ephemeral_1h_input_tokens: measured.cache_creation.ephemeral_1h_input_tokens - (taken - ofFive)
    }
  }
}

/** The four counts alone, under their usual names. */
export const countsOf = (usage: TokenCounts): TokenCounts => ({
  input_tokens: usage.input_tokens,
  output_tokens: usage.output_tokens,
  cache_creation_input_tokens: usage.cache_creation_input_tokens,
  cache_read_input_tokens: usage.cache_read_input_tokens
})
