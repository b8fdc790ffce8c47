/**
 * Recorded changes as the admin API shows them.
 */
import { Schema } from "effect"
import { limit } from "./PageSchema.ts"

/** Rows on a page where the query names no limit. */
export const defaultPage = 100

export const AuditRow = Schema.Struct({
  id: Schema.String,
  time: Schema.DateTimeUtcFromString.annotate({ format: "date-time" }),
  who: Schema.String.annotate({ description: "The name of the admin key." }),
  method: Schema.String,
  path: Schema.String,
  ids: Schema.Array(Schema.String).annotate({ description: "What was changed; of an import, the first 100." }),
  before: Schema.NullOr(Schema.Json).annotate({ description: "What differed; null where nothing is told." }),
  after: Schema.NullOr(Schema.Json)
}).annotate({ identifier: "AuditEntry" })

export const AuditPage = Schema.Struct({
  data: Schema.Array(AuditRow),
  nextCursor: Schema.NullOr(Schema.String)
}).annotate({ identifier: "AuditPage" })

export const AuditQuery = {
  limit: limit("Entries", defaultPage),
  cursor: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^\d{0,15}$/, { expected: "a cursor of this list" })).annotate({
      description: "`nextCursor` of the page before."
    })
  )
}
