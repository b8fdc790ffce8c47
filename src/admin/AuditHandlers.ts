/**
 * AuditHandlers: the admin API's questions to the record of changes.
 */
import { DateTime, Effect, type Layer } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { internal } from "./AdminGuard.ts"
import { AuditStore } from "./AuditStore.ts"
import { defaultPage } from "./AuditSchema.ts"

/** The handlers of the group `audit`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "audit">,
  never,
  AuditStore | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "audit",
  Effect.fnUntraced(function* (handlers) {
    const store = yield* AuditStore
    return handlers.handle(
      "list",
      Effect.fnUntraced(
        function* ({ query }) {
          const limit = Number(query.limit || defaultPage)
          const before = query.cursor ? Number(query.cursor) : null
          // One more tells whether there is another page.
          const rows = yield* store.page({ limit: limit + 1, before })
          const shown = rows.slice(0, limit)
          return {
            data: shown.map(({ entry: { time, ...told }, ordinal }) => ({
              id: String(ordinal),
              time: DateTime.makeUnsafe(time),
              ...told
            })),
            nextCursor: rows.length <= limit ? null : String(shown.at(-1)?.ordinal)
          }
        },
        Effect.catchTag("StorageError", (error) =>
          Effect.andThen(Effect.logError("The record of changes could not be read", error), Effect.fail(internal))
        )
      )
    )
  })
)
