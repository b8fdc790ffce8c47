/**
 * LedgerThreadCall: what is said between the gateway's thread and that of the ledger's database. Pure.
 */
import { Schema } from "effect"
import { Outcome, RequestRecord } from "../message/RequestRecord.ts"

const Query = Schema.Struct({
  limit: Schema.Int,
  after: Schema.NullOr(Schema.Struct({ time: Schema.Finite, id: Schema.String })),
  keyId: Schema.NullOr(Schema.String),
  model: Schema.NullOr(Schema.String),
  credentialId: Schema.NullOr(Schema.String),
  outcome: Schema.NullOr(Outcome)
})

const Use = Schema.Struct({
  keyId: Schema.String,
  day: Schema.Int,
  tokens: Schema.Finite,
  credits: Schema.Finite,
  lastAt: Schema.Finite
})

/** What is asked for, under a number that its answer has, too. */
export const Call = Schema.Union([
  // Read one by one: one that has no shape must not hold up the others.
  Schema.Struct({ id: Schema.Int, save: Schema.Array(Schema.Unknown) }),
  Schema.Struct({ id: Schema.Int, check: Schema.Literal(true) }),
  Schema.Struct({ id: Schema.Int, used: Schema.Struct({ since: Schema.Int }) }),
  Schema.Struct({ id: Schema.Int, page: Query }),
  Schema.Struct({ id: Schema.Int, find: Schema.String }),
  Schema.Struct({ id: Schema.Int, prune: Schema.Struct({ before: Schema.Finite, atMost: Schema.Int }) })
])
export type Call = typeof Call.Type

/** What came of it; `failed`: what was being done, and why it failed. */
export const Answer = Schema.Union([
  Schema.Struct({ id: Schema.Int, records: Schema.Array(RequestRecord) }),
  Schema.Struct({ id: Schema.Int, uses: Schema.Array(Use) }),
  Schema.Struct({ id: Schema.Int, pruned: Schema.Int }),
  Schema.Struct({ id: Schema.Int, failed: Schema.Struct({ operation: Schema.String, why: Schema.String }) })
])
export type Answer = typeof Answer.Type

/** The thread's first word is `ready`; the gateway's last is `close`. */
export const ready = "ready"
export const close = "close"
