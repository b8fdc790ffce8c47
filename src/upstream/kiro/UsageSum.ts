/**
 * UsageSum: what several upstream calls of one answer used together.
 */
import type { UpstreamUsage } from "../../message/Usage.ts"

const counts = [
  "uncachedInputTokens",
  "outputTokens",
  "totalTokens",
  "cacheReadInputTokens",
  "cacheWriteInputTokens",
  "credits"
] as const

/** Counts add up; the share of the context window is the latest call's. A figure nobody gave stays absent. */
export const addUsage = (before: UpstreamUsage, after: UpstreamUsage): UpstreamUsage => {
  let sum: UpstreamUsage = { ...before, ...after }
  for (const name of counts) {
    const first = before[name]
    const second = after[name]
    if (first !== undefined && second !== undefined) sum = { ...sum, [name]: first + second }
  }
  return sum
}
