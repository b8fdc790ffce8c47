/**
 * Client keys as the admin API shows them and what may be asked of them. Holds no key but in the answer that makes one.
 */
import { Schema } from "effect"
import { ClientKeyId } from "../message/Ids.ts"
import { Period } from "../message/KeyLimits.ts"

/** RFC 3339 on the wire. */
const Time = Schema.DateTimeUtcFromString.annotate({ format: "date-time", expected: "a time in RFC 3339" })

const between = (minimum: number, maximum: number, description: string) =>
  Schema.Int.check(
    Schema.isBetween({ minimum, maximum }, { expected: `a whole number from ${minimum} to ${maximum}` })
  ).annotate({ description })

const name = Schema.String.check(Schema.isPattern(/^\P{Cc}{1,100}$/u, { expected: "1 to 100 printable characters" }))

const pattern = Schema.String.check(Schema.isPattern(/^.{1,256}$/su, { expected: "1 to 256 characters" }))

/** One limit of each kind; where it is null or left out there is none. */
const limits = {
  models: Schema.NullOr(
    Schema.Array(pattern).check(
      Schema.isMinLength(1, { expected: "1 to 100 patterns, or null" }),
      Schema.isMaxLength(100, { expected: "1 to 100 patterns, or null" })
    )
  ).annotate({
    description: "Patterns of the models that it may use, as clients or the upstream name them; `*`: any characters."
  }),
  requestsPerMinute: Schema.NullOr(between(1, 1_000_000, "Refilled continuously.")),
  tokensPerMinute: Schema.NullOr(
    between(1, 1_000_000_000, "Input that was not read from a cache, and output. Refilled continuously.")
  ),
  maxConcurrent: Schema.NullOr(between(1, 100_000, "Requests under way at a time.")),
  expiresAt: Schema.NullOr(Time).annotate({ description: "From then on it is refused." })
}

const BudgetTokens = between(1, Number.MAX_SAFE_INTEGER, "Input, cache writes, cache reads and output together.")
const BudgetCredits = Schema.Finite.check(Schema.isGreaterThan(0, { expected: "a number above 0" })).annotate({
  description: "What the upstreams charge, in their own credits."
})

const per = Period.annotate({ expected: `"day" or "month"`, description: "Of UTC." })

const SetBudget = Schema.Struct({
  tokens: Schema.optionalKey(Schema.NullOr(BudgetTokens)),
  credits: Schema.optionalKey(Schema.NullOr(BudgetCredits)),
  per
}).check(
  Schema.makeFilter(({ credits, tokens }) => (tokens ?? credits ?? null) !== null, {
    expected: "tokens, credits, or both"
  })
)

/** What a new key may be given. */
export const NewKey = Schema.Struct({
  name: name.annotate({ description: "Whom it is for." }),
  models: Schema.optionalKey(limits.models),
  requestsPerMinute: Schema.optionalKey(limits.requestsPerMinute),
  tokensPerMinute: Schema.optionalKey(limits.tokensPerMinute),
  maxConcurrent: Schema.optionalKey(limits.maxConcurrent),
  budget: Schema.optionalKey(Schema.NullOr(SetBudget)),
  expiresAt: Schema.optionalKey(limits.expiresAt)
}).annotate({ identifier: "NewKey" })
export type NewKey = typeof NewKey.Type

/** What is left out stays; null takes a limit away. */
export const KeyChange = Schema.Struct({
  ...NewKey.fields,
  name: Schema.optionalKey(name),
  disabled: Schema.optionalKey(Schema.Boolean.annotate({ expected: "true or false" }))
}).annotate({ identifier: "KeyChange" })
export type KeyChange = typeof KeyChange.Type

const Spent = Schema.Struct({ tokens: Schema.Int, credits: Schema.Finite })

const Rate = Schema.NullOr(
  Schema.Struct({
    limit: Schema.Int,
    remaining: Schema.Int.annotate({ description: "What may still be used at once." }),
    resetsAt: Time.annotate({ description: "When all of the limit is there again." })
  })
)

/** What a key has used by now. */
const KeyUsage = Schema.Struct({
  minute: Schema.Struct({ requests: Schema.Int, tokens: Schema.Int }).annotate({
    description: "In the current minute of the clock."
  }),
  requests: Rate,
  tokens: Rate,
  concurrent: Schema.Int.annotate({ description: "Requests under way." }),
  today: Spent.annotate({ description: "By UTC." }),
  thisMonth: Spent.annotate({ description: "By UTC." }),
  budget: Schema.NullOr(
    Schema.Struct({
      used: Spent,
      left: Schema.Struct({ tokens: Schema.NullOr(Schema.Int), credits: Schema.NullOr(Schema.Finite) }),
      renewsAt: Time
    })
  ),
  lastUsedAt: Schema.NullOr(Time).annotate({ description: "Null: not for two months." })
}).annotate({ identifier: "KeyUsage" })

const view = {
  id: ClientKeyId,
  name: Schema.String,
  created: Schema.NullOr(Time).annotate({ description: "Null for a key of the configuration." }),
  source: Schema.Literals(["file", "stored"]).annotate({
    description: "`file`: it stands in the configuration, has no limits and cannot be changed here."
  }),
  disabled: Schema.Boolean,
  ...limits,
  budget: Schema.NullOr(
    Schema.Struct({ tokens: Schema.NullOr(Schema.Int), credits: Schema.NullOr(Schema.Finite), per })
  ),
  use: KeyUsage
}

export const KeyView = Schema.Struct(view).annotate({ identifier: "Key" })
export type KeyView = typeof KeyView.Type

/** A key that was just made: the only answer that ever holds it. */
export const MadeKey = Schema.Struct({ ...view, key: Schema.String }).annotate({ identifier: "MadeKey" })

export const KeyList = Schema.Struct({ data: Schema.Array(KeyView) }).annotate({ identifier: "KeyList" })
