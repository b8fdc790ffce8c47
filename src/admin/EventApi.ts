/**
 * EventApi: live changes as a stream of server-sent events. Only the definition.
 */
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { TooManyListenersAnswer } from "./ErrorSchema.ts"
import { LiveEvent } from "./EventSchema.ts"

/** Live changes. */
export class EventsGroup extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.get("listen", "/events", {
      success: HttpApiSchema.StreamSse({ events: LiveEvent }),
      error: TooManyListenersAnswer
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Live changes",
        description:
          "Server-sent events, to be read by fetch with the key in a header: `credential` with its new row, `request` for " +
          "each that ends, `settings` with the sections that changed. Ids count up; one that is missing was nobody's to " +
          "hear. A comment comes every 15 seconds. Who reads slower than changes come is cut once 256 events wait: the last " +
          "event is then `cut`, and the lists are to be read anew. At most 32 listen."
      })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Events", description: "What changes, as it changes." })) {}
