/**
 * CacheAccounting: what a request is expected to use before it is sent, and what it has used once it is answered.
 *
 * Truth first: what the upstream reports wins, then what its figures imply, then our estimate; the source travels with
 * the numbers. Where the upstream says nothing of its cache, Anthropic's documented rules stand in, for the credential
 * that really served, and say that they are an estimate; a figure that the upstream gave is never replaced.
 *
 * What an upstream without lifetimes has written counts as five minutes, whatever lifetime was asked for.
 */
import { Clock, Context, Effect, Layer, Result } from "effect"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { InvalidMember, MessagesRequest } from "../message/MessagesRequest.ts"
import type { Usage, Used } from "../message/Usage.ts"
import { type CacheEstimate, estimateCache, holderOf, leastCached, prefixTokens } from "./CacheEstimate.ts"
import { measure, type Measured } from "./CacheReport.ts"
import { CacheStatistics, type OriginFigures, type RowFigures } from "./CacheStatistics.ts"
import { type Cached, ConversationPrefixes } from "./ConversationPrefixes.ts"
import { prefixesOf, type Prefixes } from "./PrefixHash.ts"
import { PrefixStore } from "./PrefixStore.ts"
import { countsOf, reported } from "./ReportedUsage.ts"

/** The model that is asked, as far as it is known. */
export interface PlannedModel {
  /** The upstream's own name of it. */
  readonly id: string
  /** Context window. Tokens. */
  readonly window: number
  /** The least that it caches, or null where the upstream does not tell. Tokens. */
  readonly minimumCached: number | null
}

export type { Cached } from "./ConversationPrefixes.ts"

/** What is known of a request before it is sent. */
export interface CachePlan {
  /** Our estimate of the whole input. Tokens. */
  readonly inputEstimate: number
  /** The share that clients are told as read from the cache, where the operator wants that and it could apply. */
  readonly reportedRatio: number | null
  readonly model: PlannedModel
  readonly prefixes: Prefixes
  /** The least that the model caches. Tokens. */
  readonly minimum: number
  /** Whether the model could cache any of it. Estimates may be too low, and asking for too little costs nothing. */
  readonly isCacheable: boolean
  /** Whose cache holds the longest part of the conversation, if anybody's does. */
  readonly holder: CredentialId | null
  /** What the conversation is known by. */
  readonly conversation: string
}

/** How well caching works. */
export interface CacheStats {
  readonly entries: number
  readonly capacity: number
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly measured: OriginFigures
  readonly estimated: OriginFigures
  readonly reported: OriginFigures
  readonly lostToFailoverTokens: number
  readonly byCredential: ReadonlyArray<RowFigures>
  readonly byModel: ReadonlyArray<RowFigures>
}

export class CacheAccounting extends Context.Service<
  CacheAccounting,
  {
    /** Fails where the request's cache breakpoints are none that Anthropic takes. */
    readonly plan: (
      request: MessagesRequest,
      model: PlannedModel,
      conversation: string
    ) => Effect.Effect<CachePlan, InvalidMember>
    /** The usage to report for an answer that ended well, and who served it; to be called once for each. */
    readonly settle: (plan: CachePlan, servedBy: CredentialId, used: Used) => Effect.Effect<Usage>
    /** What an answer has used that has not ended, or not well: nothing of it is taken to be cached. */
    readonly unfinished: (plan: CachePlan, used: Used) => Usage
    /**
     * What is cached of a conversation, up to where it was served last; the longest first.
     *
     * @param model the upstream's own name of it; null: the one that served last
     */
    readonly cached: (conversation: string, model: string | null) => Effect.Effect<Cached>
    readonly stats: Effect.Effect<CacheStats>
    /** Forgets what is taken to be cached; counters stay. */
    readonly clear: Effect.Effect<void>
  }
>()("weir/cache/CacheAccounting") {
  static readonly layer: Layer.Layer<CacheAccounting, never, RuntimeSettings> = Layer.effect(
    CacheAccounting,
    Effect.suspend(() => make)
  )
}

/** What the cache's rules say of one answer. */
interface Looked {
  readonly estimate: CacheEstimate
  /** What would have been read where the conversation was served before. Tokens. */
  readonly elsewhere: number
}

const lifetimeMs = { "5m": 300_000, "1h": 3_600_000 } as const

const make = Effect.gen(function* () {
  const settings = yield* RuntimeSettings
  const store = new PrefixStore()
  const conversations = new ConversationPrefixes()
  const statistics = new CacheStatistics()

  const plan = (request: MessagesRequest, model: PlannedModel, conversation: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { enabled, reportedReadRatio } = settings.current().cache
      const minimum = model.minimumCached ?? leastCached(model.id)
      return Effect.fromResult(
        Result.map(prefixesOf(request, model.id), (prefixes): CachePlan => {
          const applies = enabled && prefixTokens(prefixes, minimum) > 0
          return {
            inputEstimate: prefixes.total,
            reportedRatio: applies ? reportedReadRatio : null,
            model,
            prefixes,
            minimum,
            isCacheable: enabled && prefixTokens(prefixes, minimum / 2) > 0,
            holder: enabled ? holderOf(prefixes, (fingerprint) => store.holders(fingerprint, now)[0] ?? null) : null,
            conversation
          }
        })
      )
    })

  /** The cache's rules for the credential that served; remembers what it has cached now. */
  const lookUp = (plan: CachePlan, servedBy: CredentialId, now: number): Looked => {
    const { conversation, minimum, model, prefixes } = plan
    const estimateAt = (id: CredentialId) =>
      estimateCache(prefixes, minimum, (fingerprint) => store.has(id, fingerprint, now))
    const before = conversations.servedBy(conversation)
    const elsewhere = before === null || before === servedBy ? 0 : estimateAt(before).read
    const estimate = estimateAt(servedBy)
    const { capacity } = settings.current().cache
    const found = estimate.found === null ? undefined : prefixes.ends[estimate.found]
    if (found !== undefined) store.use(servedBy, found.fingerprint, now, capacity)
    for (const { at, lifetime } of prefixes.breakpoints) {
      const end = prefixes.ends[at]
      // As estimates may be too low, shorter ones are remembered, too; none of them is ever told as read.
      if (end !== undefined && end.tokens >= minimum / 2) {
        store.put(servedBy, end.fingerprint, now, lifetimeMs[lifetime], capacity)
      }
    }
    conversations.put(conversation, servedBy, model.id, prefixes, capacity)
    return { estimate, elsewhere }
  }

  const settle = (plan: CachePlan, servedBy: CredentialId, used: Used) =>
    Effect.map(Clock.currentTimeMillis, (now): Usage => {
      const { enabled, estimate: mayEstimate } = settings.current().cache
      const measured = measuredOf(plan, used)
      const asks = enabled && used.isRead && plan.prefixes.breakpoints.length > 0
      const looked = asks ? lookUp(plan, servedBy, now) : null
      const { cacheSource, usage } = settled(
        measured,
        mayEstimate && reach(plan) > 0 ? (looked?.estimate ?? null) : null
      )
      const told = plan.reportedRatio === null ? usage : reported(usage, plan.reportedRatio, reach(plan))
      const changed = told.cache_read_input_tokens !== usage.cache_read_input_tokens
      if (looked !== null && (cacheSource === "upstream" || reach(plan) > 0)) {
        const event = { at: now, credential: servedBy, model: plan.model.id }
        const origin = cacheSource === "upstream" ? "measured" : "estimated"
        const read = cacheSource === "upstream" ? usage.cache_read_input_tokens : looked.estimate.read
        statistics.lose(Math.max(0, looked.elsewhere - read))
        if (cacheSource !== "none") statistics.record({ ...event, origin, read: usage.cache_read_input_tokens })
        if (plan.reportedRatio !== null)
          statistics.record({ ...event, origin: "reported", read: told.cache_read_input_tokens })
      }
      return {
        ...told,
        ...searchesOf(used),
        weir: { source: measured.source, cacheSource, ...(changed ? { measured: countsOf(usage) } : {}) }
      }
    })

  return CacheAccounting.of({
    plan,
    settle,
    unfinished: (plan, used) => {
      const measured = measuredOf(plan, used)
      const { cacheSource, usage } = settled(measured, null)
      return { ...usage, ...searchesOf(used), weir: { source: measured.source, cacheSource } }
    },
    stats: Effect.map(Clock.currentTimeMillis, (now) => ({
      entries: store.live(now),
      capacity: settings.current().cache.capacity,
      hits: statistics.hits,
      misses: statistics.misses,
      evictions: store.evictions,
      measured: statistics.figures("measured", now),
      estimated: statistics.figures("estimated", now),
      reported: statistics.figures("reported", now),
      lostToFailoverTokens: statistics.lost,
      byCredential: statistics.byCredential,
      byModel: statistics.byModel
    })),
    cached: (conversation, model) =>
      Effect.map(Clock.currentTimeMillis, (now) => conversations.cached(conversation, model, store, now)),
    clear: Effect.sync(() => {
      store.clear()
      conversations.clear()
    })
  })
})

const measuredOf = ({ inputEstimate, model }: CachePlan, { calls }: Used): Measured =>
  measure(calls, { input: inputEstimate, window: model.window })

const searchesOf = ({ webSearches }: Used): Pick<Usage, "server_tool_use"> =>
  webSearches > 0 ? { server_tool_use: { web_search_requests: webSearches } } : {}

const reach = ({ minimum, prefixes }: CachePlan): number => prefixTokens(prefixes, minimum)

/** The measured figures, with an estimate of the cache's where the upstream gave none. The input's sum stays. */
const settled = ({ cacheSource, counts, hour: measuredHour }: Measured, estimate: CacheEstimate | null) => {
  const total = counts.input_tokens
  if (cacheSource === "upstream" || estimate === null) {
    const cache_creation = {
      ephemeral_5m_input_tokens: counts.cache_creation_input_tokens - measuredHour,
      ephemeral_1h_input_tokens: measuredHour
    }
    return { cacheSource, usage: { ...counts, cache_creation } }
  }
  const read = Math.min(estimate.read, total)
  const hour = Math.min(estimate.written["1h"], total - read)
  const five = Math.min(estimate.written["5m"], total - read - hour)
  const usage = {
    output_tokens: counts.output_tokens,
    input_tokens: total - read - hour - five,
    cache_creation_input_tokens: hour + five,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: five, ephemeral_1h_input_tokens: hour }
  }
  return { cacheSource: "estimated" as const, usage }
}
