/**
 * Why the pool gave no lease.
 */
import { Schema } from "effect"
import { CredentialId } from "../message/Ids.ts"
import { Why } from "../message/Why.ts"

/** Every credential that could serve rests. `limited`: each of them for a rate, overage or suspicion reason. */
export const Cooling = Schema.TaggedStruct("Cooling", {
  limited: Schema.Boolean,
  /** Until the soonest recovery. Milliseconds. */
  retryAfterMs: Schema.Number
})

/** Every credential is out of its monthly quota. */
export const OutOfQuota = Schema.TaggedStruct("OutOfQuota", {})

/** No credential is enabled, or there is none. */
export const NoneEnabled = Schema.TaggedStruct("NoneEnabled", {})

/** Credentials are enabled, but none may use this model. */
export const NoneSuits = Schema.TaggedStruct("NoneSuits", { model: Schema.String })

/** The one credential that may serve the request does not exist, or not any more. */
export const Gone = Schema.TaggedStruct("Gone", {})

/** All permits are taken and the request may not wait, or has waited too long, or the queue is full. */
export const Full = Schema.TaggedStruct("Full", {
  because: Schema.Literals(["rejected", "queue_full", "queue_timeout"]),
  /** Our best guess at when a permit is free. Milliseconds. */
  retryAfterMs: Schema.Number
})

/** The chosen credential has no usable token; another may. */
export const NoToken = Schema.TaggedStruct("NoToken", {
  credentialId: CredentialId,
  upstream: Schema.String,
  why: Why,
  /** The identity provider could not be reached or had a fault of its own. */
  transient: Schema.Boolean
})

export class CredentialPoolError extends Schema.TaggedError<CredentialPoolError>()("CredentialPoolError", {
  reason: Schema.Union([Cooling, OutOfQuota, NoneEnabled, NoneSuits, Gone, Full, NoToken])
}) {
  override get message(): string {
    return `No credential: ${this.reason._tag}`
  }
}
