/**
 * Audit: every change that the admin API makes is recorded: who made it, when, by which call, and what differed.
 *
 * A middleware writes the entry once a change has succeeded, before it is answered, so that no route can forget to; a
 * handler only says what was there before and after. A write that fails is logged and fails no change.
 */
import { Clock, Context, Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { AdminAudit } from "./AdminApi.ts"
import { AuditStore } from "./AuditStore.ts"
import { difference, masked, toldPath } from "./AuditMask.ts"

/** What a handler tells of its change. No secret belongs into it. */
export interface Change {
  readonly ids?: ReadonlyArray<string>
  readonly before?: unknown
  readonly after?: unknown
}

/** The name of the admin key that the request being served came with. */
export const Operator = Context.Reference<string>("weir/admin/Operator", { defaultValue: () => "admin" })

/** Of the request being served. */
class Trail {
  change: Change = {}
  /** The entry is written by whoever took it, when the change is over. */
  taken = false
}

const CurrentTrail = Context.Reference<Trail | null>("weir/admin/AuditTrail", { defaultValue: () => null })

/** Tells what the request being served changes. Said several times, the last counts, member by member. */
export const note = (change: Change): Effect.Effect<void> =>
  Effect.map(CurrentTrail, (trail) => {
    if (trail !== null) trail.change = { ...trail.change, ...change }
  })

/** For a change that goes on after its answer has begun: an effect that writes the entry, to be run at its end. */
export const later = Effect.fnUntraced(function* (
  store: AuditStore["Service"]
): Effect.fn.Return<(change: Change) => Effect.Effect<void>> {
  const trail = yield* CurrentTrail
  const { method, url } = yield* Effect.map(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (request) =>
    request._tag === "Some" ? request.value : { method: "", url: "" }
  )
  const who = yield* Operator
  if (trail !== null) trail.taken = true
  return (change) => write(store, { who, method, url, change })
})

/** Ids that one entry names; an import may have brought more. */
const mostIds = 100

const write = (
  store: AuditStore["Service"],
  told: { readonly who: string; readonly method: string; readonly url: string; readonly change: Change }
): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (time) => {
    const { after = null, before = null, ids = [] } = told.change
    const sides = difference(before, after)
    return store.add({
      time,
      who: told.who,
      method: told.method,
      path: toldPath(told.url),
      ids: ids.slice(0, mostIds),
      before: masked(sides.before),
      after: masked(sides.after)
    })
  }).pipe(
    Effect.catch((error) => Effect.logError("A change by the admin API could not be recorded", error)),
    Effect.uninterruptible
  )

/** Methods that change nothing. */
const reading: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"])

/** Records what succeeds. */
export const layer: Layer.Layer<AdminAudit, never, AuditStore> = Layer.effect(
  AdminAudit,
  Effect.map(AuditStore, (store) =>
    AdminAudit.of(
      Effect.fnUntraced(function* (serve, { endpoint }) {
        if (reading.has(endpoint.method)) return yield* serve
        const trail = new Trail()
        const response = yield* Effect.provideService(serve, CurrentTrail, trail)
        if (response.status >= 400 || trail.taken) return response
        const { method, url } = yield* HttpServerRequest.HttpServerRequest
        yield* write(store, { who: yield* Operator, method, url, change: trail.change })
        return response
      })
    )
  )
)
