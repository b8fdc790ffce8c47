/**
 * EventHandlers: the admin API's stream of live changes.
 */
import { Effect, type Layer, Stream } from "effect"
import { type HttpApiGroup, HttpApiBuilder } from "effect/http-api"
import { type AdminAccess, AdminApi, type AdminAudit, type AdminFaults } from "./AdminApi.ts"
import { TooManyListeners } from "./ErrorSchema.ts"
import { EventFeed } from "./EventFeed.ts"
import { mostListeners } from "./EventListeners.ts"
import { heartbeat, quiet, sseAnswer } from "./SseAnswer.ts"

/** The handlers of the group `events`. */
export const layer: Layer.Layer<
  HttpApiGroup.Service<"admin", "events">,
  never,
  EventFeed | AdminAccess | AdminAudit | AdminFaults
> = HttpApiBuilder.group(
  AdminApi,
  "events",
  Effect.fnUntraced(function* (handlers) {
    const feed = yield* EventFeed
    return handlers.handleRaw("listen", () =>
      Effect.suspend(() => {
        const events = feed.listen()
        if (events === null) return Effect.fail(full)
        // The first comment goes out at once: it shows that the stream is open.
        return Effect.succeed(
          sseAnswer(Stream.prepend(Stream.merge(events, quiet, { haltStrategy: "left" }), [heartbeat]))
        )
      })
    )
  })
)

const full = new TooManyListeners({ message: `${mostListeners} listen already` })
