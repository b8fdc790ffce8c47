/**
 * CacheHandlers: the admin API's requests about prompt caching.
 */
import { Effect, type Layer } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { CacheAccounting } from "../cache/CacheAccounting.ts"
import * as Audit from "./Audit.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"

/** The handlers of the group `cache`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "cache">,
  never,
  CacheAccounting | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "cache",
  Effect.fnUntraced(function* (handlers) {
    const { clear, stats } = yield* CacheAccounting
    return handlers
      .handle("stats", () => stats)
      .handle(
        "clear",
        Effect.fnUntraced(function* () {
          const before = yield* stats
          yield* clear
          const after = yield* stats
          yield* Audit.note({ before: { entries: before.entries }, after: { entries: after.entries } })
          return after
        })
      )
  })
)
