/**
 * PoolHandlers: the admin API's questions to the pool.
 */
import { DateTime, Effect, type Layer } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { CredentialPool } from "../credential/CredentialPool.ts"
import type { Explanation } from "../credential/Explain.ts"
import { ModelList } from "../exchange/ModelList.ts"
import { type AdminAccess, AdminApi, type AdminFaults } from "./AdminApi.ts"

/** The handlers of the group `pool`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "pool">,
  never,
  CredentialPool | ModelList | AdminAccess | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "pool",
  Effect.fnUntraced(function* (handlers) {
    const pool = yield* CredentialPool
    const models = yield* ModelList

    return handlers.handle("explain", ({ query }) =>
      Effect.map(
        pool.explain({
          model: query.model ? models.resolve(query.model).id : null,
          conversation: query.conversation ? query.conversation.toLowerCase() : null,
          client: null,
          exclude: new Set(),
          barred: new Set()
        }),
        (explanation) => view(explanation, Number(query.cursor || 0), Number(query.limit || 1_000))
      )
    )
  })
)

const view = ({ because, chosen, counts, credentials, soonest }: Explanation, start: number, limit: number) => ({
  chosen,
  because,
  counts,
  soonest: timeOf(soonest),
  credentials: credentials.slice(start, start + limit).map(({ eligible, id, reasons }) => ({
    id,
    eligible,
    reasons: reasons.map(({ detail, kind, until }) => ({ kind, detail, until: timeOf(until) }))
  })),
  nextCursor: start + limit < credentials.length ? String(start + limit) : null
})

const timeOf = (ms: number | null): DateTime.Utc | null => (ms === null ? null : DateTime.makeUnsafe(ms))
