/**
 * Figures: what an upstream may say of an answer's tokens, or leave out.
 */
import { Schema } from "effect"
import type { UpstreamUsage } from "../../src/message/Usage.ts"

export const Tokens = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000_000 }))
const Figure = Schema.UndefinedOr(Tokens)
const Share = Schema.UndefinedOr(Schema.Number)
export const Drawn = Schema.Struct({
  uncached: Figure,
  output: Figure,
  read: Figure,
  written: Figure,
  total: Figure,
  share: Share
})

/** The figures that were drawn; a member is absent where none was. */
export const usageOf = ({ output, read, share, total, uncached, written }: typeof Drawn.Type): UpstreamUsage => ({
  ...(uncached === undefined ? {} : { uncachedInputTokens: uncached }),
  ...(output === undefined ? {} : { outputTokens: output }),
  ...(read === undefined ? {} : { cacheReadInputTokens: read }),
  ...(written === undefined ? {} : { cacheWriteInputTokens: written }),
  ...(total === undefined ? {} : { totalTokens: total }),
  ...(share === undefined ? {} : { contextUsagePercentage: share })
})
