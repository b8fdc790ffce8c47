/**
 * RequestHandlers: the admin API's questions to the ledger.
 */
import { DateTime, Effect, type Layer } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { Ledger } from "../ledger/Ledger.ts"
import type { RequestRecord } from "../message/RequestRecord.ts"
import type { StorageError } from "../message/StorageError.ts"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { internal } from "./AdminGuard.ts"
import { NotFound } from "./ErrorSchema.ts"
import { defaultPage } from "./RequestApi.ts"

/** The handlers of the group `requests`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "requests">,
  never,
  Ledger | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "requests",
  Effect.fnUntraced(function* (handlers) {
    const ledger = yield* Ledger
    return handlers
      .handle("list", ({ query }) => {
        const limit = Number(query.limit || defaultPage)
        const [time = "", id = ""] = query.cursor ? query.cursor.split(".", 2) : []
        const asked = {
          // One more tells whether there is another page.
          limit: limit + 1,
          after: id === "" ? null : { time: Number(time), id },
          keyId: query.key || null,
          model: query.model || null,
          credentialId: query.credential || null,
          outcome: query.outcome || null
        }
        return Effect.map(read(ledger.page(asked)), (records) => {
          const shown = records.slice(0, limit)
          const last = shown.at(-1)
          return {
            data: shown.map(view),
            nextCursor: last === undefined || records.length <= limit ? null : `${last.time}.${last.id}`
          }
        })
      })
      .handle("get", ({ params }) =>
        Effect.flatMap(read(ledger.find(params.id)), (record) =>
          record === null ? Effect.fail(unknown) : Effect.succeed(view(record))
        )
      )
  })
)

/** What its schema does not name stays behind. */
export const view = (record: RequestRecord) => ({ ...record, time: DateTime.makeUnsafe(record.time) })

const unknown = new NotFound({ message: "id: there is no record of such a request" })

const read = <A>(effect: Effect.Effect<A, StorageError>) =>
  effect.pipe(
    Effect.catch((error) =>
      Effect.andThen(Effect.logError("The record of requests could not be read", error), Effect.fail(internal))
    )
  )
