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
export const addUsage = (before: UpstreamUsage, after: UpstreamUsage): UpstreamUsage => ({
  ...before,
  ...after,
  ...Object.fromEntries(
    counts.flatMap((name) => {
      const first = before[name]
      const second = after[name]
      return first === undefined || second === undefined ? [] : [[name, first + second]]
    })
  )
})
