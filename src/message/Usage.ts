/**
 * Token counts: what an upstream reported, what was measured, and what a client is told.
 *
 * All counts are whole tokens. Input, cache creation and cache reads are disjoint and add up to the input that was sent.
 */

import { Schema } from "effect"

/** Where a figure comes from: the upstream's own count, derived from one it gave, or our estimate. */
export const UsageSource = Schema.Literals(["upstream", "derived", "estimated"])
export type UsageSource = typeof UsageSource.Type

/** Where the two cache counts come from. `none`: nothing is known, and both are zero. */
export const CacheSource = Schema.Literals(["upstream", "estimated", "none"])
export type CacheSource = typeof CacheSource.Type

/** The raw figures of one upstream answer; a member is absent where the upstream said nothing. */
export interface UpstreamUsage {
  /** Input tokens that were neither read from nor written to a cache. */
  readonly uncachedInputTokens?: number
  readonly outputTokens?: number
  /** Everything: input, cache reads and writes, output. */
  readonly totalTokens?: number
  readonly cacheReadInputTokens?: number
  readonly cacheWriteInputTokens?: number
  /** Those of the cache writes that last an hour. */
  readonly cacheWriteHourInputTokens?: number
  /** 0 to 100: total tokens of the call as a share of the model's context window. */
  readonly contextUsagePercentage?: number
  /** What the upstream charged for the call, in its own credits. */
  readonly credits?: number
}

/** One upstream call of an answer, of which there may be several. Tokens. */
export interface CallUsage {
  /** As far as the upstream says. */
  readonly usage: UpstreamUsage
  /** Our count of its output. */
  readonly outputEstimate: number
  /** Our count of what it sent beside the client's request: earlier calls' output, and what tools returned. */
  readonly inputAdded: number
}

/** What an answer used. */
export interface Used {
  readonly calls: ReadonlyArray<CallUsage>
  /** Searches that succeeded. */
  readonly webSearches: number
  /** False where no model has read the request: then no upstream has cached any of it. */
  readonly isRead: boolean
}

/** What the upstream charged for an answer, in its own credits; null where it said nothing. */
export const creditsOf = ({ calls }: Used): number | null =>
  calls.reduce<number | null>(
    (sum, { usage }) => (usage.credits === undefined ? sum : (sum ?? 0) + usage.credits),
    null
  )

/** The four counts of an Anthropic answer. */
export const TokenCounts = Schema.Struct({
  input_tokens: Schema.Finite,
  output_tokens: Schema.Finite,
  cache_creation_input_tokens: Schema.Finite,
  cache_read_input_tokens: Schema.Finite
})
export type TokenCounts = typeof TokenCounts.Type

/** `usage` of an Anthropic answer with our one addition, `weir`, which says where the figures come from. */
export const Usage = Schema.Struct({
  ...TokenCounts.fields,
  cache_creation: Schema.Struct({
    ephemeral_5m_input_tokens: Schema.Finite,
    ephemeral_1h_input_tokens: Schema.Finite
  }),
  server_tool_use: Schema.optionalKey(Schema.Struct({ web_search_requests: Schema.Finite })),
  weir: Schema.optionalKey(
    Schema.Struct({
      source: UsageSource,
      cacheSource: CacheSource,
      /** The measured counts, present only where a reporting policy changed them. */
      measured: Schema.optionalKey(TokenCounts)
    })
  )
})
export type Usage = typeof Usage.Type
