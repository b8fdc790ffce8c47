/**
 * CacheApi: how well prompt caching works. Only the definition.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"

const figures = Schema.Struct({
  hitRate1m: Schema.Number.annotate({
    description: "Share of the last minute's answers that read from a cache, 0 to 1."
  }),
  hitRate5m: Schema.Number,
  readTokens: Schema.Number.annotate({ description: "Since the start." }),
  savedInputTokens1m: Schema.Number,
  savedInputTokens5m: Schema.Number
})
const rows = Schema.Array(
  Schema.Struct({ id: Schema.String, hits: Schema.Number, misses: Schema.Number, readTokens: Schema.Number })
)

export const CacheStatsView = Schema.Struct({
  entries: Schema.Number.annotate({ description: "Prefixes that are taken to be cached now." }),
  capacity: Schema.Number,
  hits: Schema.Number,
  misses: Schema.Number,
  evictions: Schema.Number,
  measured: figures.annotate({ description: "Where the upstream gave the figures." }),
  estimated: figures.annotate({ description: "Where Anthropic's documented rules stand in for them." }),
  reported: figures.annotate({ description: "What clients were told under cache.reportedReadRatio." }),
  lostToFailoverTokens: Schema.Number.annotate({
    description: "Tokens that another credential had cached and the one that served had not."
  }),
  byCredential: rows,
  byModel: rows
}).annotate({ identifier: "CacheStats" })

/** Prompt caching. */
export class CacheGroup extends HttpApiGroup.make("cache")
  .add(
    HttpApiEndpoint.get("stats", "/cache/stats", { success: CacheStatsView }).annotateMerge(
      OpenApi.annotations({ summary: "Cache statistics" })
    ),
    HttpApiEndpoint.post("clear", "/cache/clear", { success: CacheStatsView }).annotateMerge(
      OpenApi.annotations({ summary: "Forget what is taken to be cached", description: "Counters stay." })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Cache", description: "Prompt caching and its accounting." })) {}
