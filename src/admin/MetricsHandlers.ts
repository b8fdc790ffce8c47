/**
 * MetricsHandlers: numbers for a dashboard, from the pool and the ledger.
 */
import { DateTime, Effect, type Layer } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { poolHealth } from "./PoolHealth.ts"

/** The handlers of the group `metrics`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "metrics">,
  never,
  CredentialPool | Ledger | RuntimeSettings | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "metrics",
  Effect.fnUntraced(function* (handlers) {
    const pool = yield* CredentialPool
    const ledger = yield* Ledger
    const settings = yield* RuntimeSettings
    return handlers.handle(
      "summary",
      Effect.fnUntraced(function* () {
        const snapshot = yield* pool.snapshot
        const { hour, minute, series } = yield* ledger.traffic
        const { maxInflight } = settings.current().pool
        return {
          time: yield* DateTime.now,
          pool: poolHealth(snapshot),
          permits: { outstanding: snapshot.outstanding, limit: maxInflight === 0 ? null : maxInflight },
          queued: snapshot.queued,
          recording: ledger.isWorking(),
          minute,
          hour,
          series: series.map(({ time, ...figures }) => ({ time: DateTime.makeUnsafe(time), ...figures }))
        }
      })
    )
  })
)
