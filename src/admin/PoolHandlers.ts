/**
 * PoolHandlers: the admin API's questions to the pool.
 */
import { DateTime, Effect, type Layer } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { CacheAccounting, type Cached } from "../cache/CacheAccounting.ts"
import { anyNeed, CredentialPool } from "../credential/CredentialPool.ts"
import type { Explanation } from "../credential/Explain.ts"
import { ModelList } from "../exchange/ModelList.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { largestPage } from "./PageSchema.ts"

/** The handlers of the group `pool`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "pool">,
  never,
  CacheAccounting | CredentialPool | ModelList | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "pool",
  Effect.fnUntraced(function* (handlers) {
    const pool = yield* CredentialPool
    const models = yield* ModelList
    const accounting = yield* CacheAccounting

    return handlers.handle(
      "explain",
      Effect.fnUntraced(function* ({ query }) {
        const conversation = query.conversation ? query.conversation.toLowerCase() : null
        const model = query.model ? models.resolve(query.model).id : null
        const upstreams = query.model ? models.route(query.model) : null
        const cached = yield* accounting.cached(conversation ?? "", model)
        const [holder = null] = cached.keys()
        const explanation = yield* pool.explain({ ...anyNeed, model, upstreams, conversation, holder })
        return view(explanation, cached, Number(query.cursor || 0), Number(query.limit || largestPage))
      })
    )
  })
)

const view = (
  { because, chosen, counts, credentials, soonest }: Explanation,
  cached: Cached,
  start: number,
  limit: number
) => ({
  chosen,
  because,
  counts,
  soonest: timeOf(soonest),
  credentials: credentials.slice(start, start + limit).map(({ eligible, id, reasons }) => ({
    id,
    eligible,
    cachedTokens: cached.get(id) ?? 0,
    reasons: reasons.map(({ detail, kind, until }) => ({ kind, detail, until: timeOf(until) }))
  })),
  nextCursor: start + limit < credentials.length ? String(start + limit) : null
})

const timeOf = (ms: number | null): DateTime.Utc | null => (ms === null ? null : DateTime.makeUnsafe(ms))
