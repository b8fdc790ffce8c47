/**
 * Why a client's request got no answer, or lost it on the way. Status codes are the HTTP layer's business.
 */
import { Schema } from "effect"
import { CredentialPoolError } from "../credential/CredentialPoolError.ts"
import { FailureReason } from "../message/FailureReason.ts"

/** The request itself cannot be carried out; `path` names the member, or is empty. */
export const Refused = Schema.TaggedStruct("Refused", { path: Schema.String, problem: Schema.String })

/** `thread: continue` from a message of which no thread is known. SDKs recover from it by themselves. */
export const ThreadNotFound = Schema.TaggedStruct("ThreadNotFound", {})

/** What is asked for lives at no account that is known here. */
export const NotHere = Schema.TaggedStruct("NotHere", { problem: Schema.String })

/** The upstream failed, and trying again was of no use or no longer possible. */
export const Upstream = Schema.TaggedStruct("Upstream", { failure: FailureReason })

/** No credential could be had. */
export const Pool = Schema.TaggedStruct("Pool", { pool: CredentialPoolError.fields.reason })

/** Retrying took longer than `retry.budget`. */
export const BudgetSpent = Schema.TaggedStruct("BudgetSpent", {})

/** The storage fails: no record of it can be kept, or not be read where it belongs, so it is not begun. */
export const Unrecorded = Schema.TaggedStruct("Unrecorded", {})

export class ExchangeError extends Schema.TaggedError<ExchangeError>()("ExchangeError", {
  reason: Schema.Union([Refused, ThreadNotFound, NotHere, Upstream, Pool, BudgetSpent, Unrecorded]),
  /** When the first credential recovers, where all that could serve rest. Milliseconds. */
  recoversInMs: Schema.optionalKey(Schema.Number),
  /** The upstream that was called last, and how often any was; absent where none was. */
  tried: Schema.optionalKey(Schema.Struct({ upstream: Schema.String, attempts: Schema.Int }))
}) {
  override get message(): string {
    const { reason } = this
    return reason._tag === "Refused" ? `${reason.path}: ${reason.problem}` : reason._tag
  }
}
