/**
 * KeyLimits: what an operator lets one client key do. Null: no limit of that kind.
 */
import { Schema } from "effect"

/** After which time a budget is whole again. Days and months are those of UTC. */
export const Period = Schema.Literals(["day", "month"])
export type Period = typeof Period.Type

/** What may be used in each period. Null: as much as one likes; at least one of the two is a number. */
export const KeyBudget = Schema.Struct({
  /** Input, cache writes, cache reads and output together, as the ledger has them. */
  tokens: Schema.NullOr(Schema.Int),
  /** What the upstreams charge, in their own credits. */
  credits: Schema.NullOr(Schema.Finite),
  per: Period
})
export type KeyBudget = typeof KeyBudget.Type

export const KeyLimits = Schema.Struct({
  /** From then on the key is as if it were not there. Milliseconds since the epoch. */
  expiresAt: Schema.NullOr(Schema.Int),
  /** Patterns of the models that it may use; `*` stands for any characters. */
  models: Schema.NullOr(Schema.Array(Schema.String)),
  requestsPerMinute: Schema.NullOr(Schema.Int),
  /** Input that was not read from a cache, and output. */
  tokensPerMinute: Schema.NullOr(Schema.Int),
  /** Requests under way at a time. */
  maxConcurrent: Schema.NullOr(Schema.Int),
  budget: Schema.NullOr(KeyBudget)
})
export type KeyLimits = typeof KeyLimits.Type

export const unlimited: KeyLimits = {
  expiresAt: null,
  models: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  maxConcurrent: null,
  budget: null
}
