/**
 * RequestApi: the record of requests. Only the definition.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequestRecord } from "../message/RequestRecord.ts"
import { BadRequestAnswer, InternalAnswer, NotFoundAnswer } from "./ErrorSchema.ts"
import { limit, short } from "./PageSchema.ts"

const { attempts, ...members } = RequestRecord.fields

const row = {
  ...members,
  time: Schema.DateTimeUtcFromString.annotate({ format: "date-time", description: "When it came." })
}

export const RequestRow = Schema.Struct(row).annotate({ identifier: "RequestRow" })

/** One request with its attempts. */
export const RequestView = Schema.Struct({ ...row, attempts }).annotate({ identifier: "Request" })

export const RequestPage = Schema.Struct({
  data: Schema.Array(RequestRow),
  nextCursor: Schema.NullOr(Schema.String)
}).annotate({ identifier: "RequestPage" })

/** Rows on a page where the query names no limit. */
export const defaultPage = 100

export const RequestQuery = {
  limit: limit("Requests", defaultPage),
  cursor: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^(?:\d{1,15}\.[\w-]{1,64})?$/, { expected: "a cursor of this list" })
    ).annotate({
      description: "`nextCursor` of the page before."
    })
  ),
  key: short("Only those of this client key's id."),
  model: short("Only those of this model, as clients or the upstream name it."),
  credential: short("Only those that this credential was tried for."),
  outcome: Schema.optionalKey(
    Schema.Literals(["", "ok", "client_closed", "failed", "abandoned"]).annotate({
      expected: `"ok", "client_closed", "failed" or "abandoned"`
    })
  )
}

/** What clients asked for, and what became of it. */
export class RequestsGroup extends HttpApiGroup.make("requests")
  .add(
    HttpApiEndpoint.get("list", "/requests", {
      query: RequestQuery,
      success: RequestPage,
      error: [BadRequestAnswer, InternalAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "List requests",
        description: "Those that have ended, the newest first, by page. Figures of usage are the measured ones."
      })
    ),
    HttpApiEndpoint.get("get", "/requests/:id", {
      params: { id: Schema.String },
      success: RequestView,
      error: [NotFoundAnswer, InternalAnswer]
    }).annotateMerge(
      OpenApi.annotations({ summary: "One request with its attempts", description: "By its answer's `request-id`." })
    )
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Requests", description: "The ledger. No part of a prompt or an answer is in it." })
  ) {}
