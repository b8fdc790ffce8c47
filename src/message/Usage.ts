/**
 * Token counts: what an upstream reported, what was measured, and what a client is told.
 *
 * All counts are whole tokens. Input, cache creation and cache reads are disjoint and add up to the input that was sent.
 */

/** Where a figure comes from: the upstream's own count, derived from one it gave, or our estimate. */
export type UsageSource = "upstream" | "derived" | "estimated"

/** Where the two cache counts come from. `none`: nothing is known, and both are zero. */
export type CacheSource = "upstream" | "estimated" | "none"

/** The raw figures of one upstream answer; a member is absent where the upstream said nothing. */
export interface UpstreamUsage {
  /** Input tokens that were neither read from nor written to a cache. */
  readonly uncachedInputTokens?: number
  readonly outputTokens?: number
  /** Everything: input, cache reads and writes, output. */
  readonly totalTokens?: number
  readonly cacheReadInputTokens?: number
  readonly cacheWriteInputTokens?: number
  /** 0 to 100: total tokens of the call as a share of the model's context window. */
  readonly contextUsagePercentage?: number
  /** What the upstream charged for the call, in its own credits. */
  readonly credits?: number
}

/** The four counts of an Anthropic answer. */
export interface TokenCounts {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_creation_input_tokens: number
  readonly cache_read_input_tokens: number
}

/** `usage` of an Anthropic answer with our one addition, `weir`, which says where the figures come from. */
export interface Usage extends TokenCounts {
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number
    readonly ephemeral_1h_input_tokens: number
  }
  readonly server_tool_use?: { readonly web_search_requests: number }
  readonly weir?: {
    readonly source: UsageSource
    readonly cacheSource: CacheSource
    /** The measured counts, present only where a reporting policy changed them. */
    readonly measured?: TokenCounts
  }
}
