/**
 * The pool's choice as the admin API explains it.
 */
import { Schema } from "effect"
import { CredentialId } from "../message/Ids.ts"
import { largestPage, limit, short } from "./PageSchema.ts"

const Time = Schema.NullOr(Schema.DateTimeUtcFromString.annotate({ format: "date-time" }))
const count = Schema.Int

export const CountsView = Schema.Struct({
  eligible: count,
  cooldown: count,
  disabled: count,
  full: count,
  model: count,
  group: count,
  tried: count
}).annotate({ description: "How many credentials could serve, and how many not for which first reason." })

export const ReasonView = Schema.Struct({
  kind: Schema.Literals(["cooldown", "disabled", "full", "model", "group", "tried"]),
  detail: Schema.String,
  until: Time.annotate({ description: "When it is over by itself; null: not by time alone." })
})

export const ExplainedView = Schema.Struct({
  id: CredentialId,
  eligible: Schema.Boolean,
  cachedTokens: Schema.Int.annotate({
    description: "Of the conversation, as far as it was served last: what this credential is taken to have cached."
  }),
  reasons: Schema.Array(ReasonView).annotate({ description: "Everything that speaks against it." })
})

/** Who would serve a request now, and why nobody else would. */
export const ExplanationView = Schema.Struct({
  chosen: Schema.NullOr(CredentialId),
  because: Schema.String,
  soonest: Time.annotate({ description: "When somebody recovers, where nobody can serve." }),
  counts: CountsView,
  credentials: Schema.Array(ExplainedView).annotate({ description: "In order of preference." }),
  nextCursor: Schema.NullOr(Schema.String)
}).annotate({ identifier: "Explanation" })

export const ExplainQuery = {
  model: short("A model's name as a client writes it; left out: any model will do."),
  conversation: short("A conversation as a client names it."),
  limit: limit("Credentials", largestPage),
  cursor: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^\d{0,9}$/, { expected: "a cursor of this list" })).annotate({
      description: "`nextCursor` of the page before."
    })
  )
}
