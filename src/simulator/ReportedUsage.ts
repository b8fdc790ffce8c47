/**
 * ReportedUsage: the figures at the end of an answer.
 *
 * **Source:** AWS `TokenUsage`, `MeteringEvent`, `ContextUsageEvent`: the total contains the output, and the percentage
 * is the total's share of the model's context window.
 */
import type { KiroModel } from "./KiroModelList.ts"
import type { InputTokens } from "./PromptCache.ts"

/** What is known before the first word of the answer. */
export interface UsageBasis {
  readonly model: KiroModel
  readonly input: InputTokens
}

/** Payload of `metadataEvent.tokenUsage`. The three input counts are disjoint and, with the output, make the total. */
export const tokenUsage = ({ input, model }: UsageBasis, outputTokens: number) => {
  const totalTokens = input.uncached + input.read + input.write + outputTokens
  return {
    uncachedInputTokens: input.uncached,
    outputTokens,
    totalTokens,
    cacheReadInputTokens: input.read,
    cacheWriteInputTokens: input.write,
    contextUsagePercentage: (totalTokens / model.tokenLimits.maxInputTokens) * 100
  }
}

export type TokenUsage = ReturnType<typeof tokenUsage>

/** Payload of `meteringEvent`: the model's rate for a million tokens, those read from a cache at a tenth. */
export const metering = ({ input, model }: UsageBasis, usage: { readonly totalTokens: number }) => ({
  usage: ((usage.totalTokens - input.read * 0.9) * model.rateMultiplier) / 1_000_000,
  unit: "credit",
  unitPlural: "credits"
})
