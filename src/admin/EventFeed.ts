/**
 * EventFeed: changes of the pool and of the settings, and requests that end, as events for whoever listens.
 *
 * Costs next to nothing while nobody does. Changes of credentials are gathered for a moment: one that changes ten times
 * in it is told once, as it is then.
 */
import { Context, Effect, Layer, Schema, Stream } from "effect"
import type { HotSettings } from "../config/HotSettings.ts"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import { Ledger } from "../ledger/Ledger.ts"
import type { CredentialId } from "../message/Ids.ts"
import { view as viewOfCredential } from "./CredentialList.ts"
import { CredentialView } from "./CredentialSchema.ts"
import { EventListeners } from "./EventListeners.ts"
import { RequestView } from "./RequestApi.ts"
import { view as viewOfRequest } from "./RequestHandlers.ts"
import { sections } from "./SettingsSchema.ts"

export class EventFeed extends Context.Service<EventFeed, Pick<EventListeners, "listen" | "stop">>()(
  "weir/admin/EventFeed"
) {
  static readonly layer: Layer.Layer<EventFeed, never, CredentialPool | Ledger | RuntimeSettings> = Layer.suspend(() =>
    Layer.effect(EventFeed, make)
  )

  /**
   * Ends every stream when its scope closes. To be built on top of the server, so that its finalizer runs before the
   * server waits for answers under way: these would not end by themselves.
   */
  static readonly layerStop: Layer.Layer<never, never, EventFeed> = Layer.suspend(() =>
    Layer.effectDiscard(Effect.flatMap(EventFeed, ({ stop }) => Effect.addFinalizer(() => Effect.sync(stop))))
  )
}

/** Changes that are told at once, and how long is waited for more. */
const gathered = 256
const moment = "100 millis"

const make = Effect.gen(function* () {
  const pool = yield* CredentialPool
  const ledger = yield* Ledger
  const settings = yield* RuntimeSettings
  const listeners = new EventListeners()

  const tellCredentials = Effect.fnUntraced(function* (ids: ReadonlyArray<CredentialId>) {
    if (listeners.size === 0) return
    const { credentials } = yield* pool.snapshot
    const byId = new Map(credentials.map((status) => [status.id, status]))
    for (const id of new Set(ids)) {
      const status = byId.get(id)
      listeners.tell("credential", () => ({
        id,
        credential: status === undefined ? null : encodeCredential(viewOfCredential(status))
      }))
    }
  })

  yield* pool.changes.pipe(
    Stream.groupedWithin(gathered, moment),
    Stream.runForEach(tellCredentials),
    Effect.forkScoped
  )
  yield* ledger.listen((record) => listeners.tell("request", () => encodeRequest(viewOfRequest(record))))
  let before = settings.current()
  yield* settings.changes.pipe(
    Stream.runForEach((after) =>
      Effect.sync(() => {
        if (after === before) return
        const changed = changedSections(before, after)
        before = after
        listeners.tell("settings", () => ({ sections: changed }))
      })
    ),
    Effect.forkScoped
  )
  return EventFeed.of({ listen: () => listeners.listen(), stop: () => listeners.stop() })
})

/** Names as in the paths of the API. A change that shows nowhere is one of a secret, which only groups have. */
const changedSections = (before: HotSettings, after: HotSettings): ReadonlyArray<string> => {
  const differs = (name: keyof HotSettings) => JSON.stringify(before[name]) !== JSON.stringify(after[name])
  const changed = Object.entries(sections).flatMap(([path, name]) => (differs(name) ? [path] : []))
  return changed.length === 0 || differs("groups") ? [...changed, "groups"] : changed
}

const encodeCredential = Schema.encodeSync(CredentialView)
const encodeRequest = Schema.encodeSync(RequestView)
