/**
 * Why an upstream call failed: one closed list of kinds, each with the facts to act on.
 */
import { Schema } from "effect"

export const FailureKind = Schema.Literals([
  /** Connection refused, reset or not made before any header. */
  "network",
  /** No header, or no event, in time; or 408. */
  "timeout",
  /** 5xx, or an error event that names no other kind. */
  "upstream_error",
  /** The stream ended, broke or was corrupted before its end. */
  "stream_broken",
  /** 429 for this credential. */
  "rate_limit",
  /** The account's overage limit is reached. */
  "overage_request_limit",
  /** The monthly quota is used up. */
  "quota_exceeded",
  /** The account's directory is under temporary limits. */
  "suspicious_activity",
  /** The account is suspended until a person acts. */
  "account_suspended",
  /** The token is not accepted; a refresh may help. */
  "token_rejected",
  /** The key itself is not accepted, until a person acts. */
  "key_rejected",
  /** The credential may not do what this request asks; another may, and this one may do other things. */
  "forbidden",
  /** 401 or 403 that a refresh does not mend. */
  "auth",
  /** The model has no capacity now; the credential is fine. */
  "model_capacity",
  /** The upstream does not know the model. */
  "invalid_model",
  /** The conversation id is refused; a fresh one may pass. */
  "invalid_conversation",
  /** The prompt does not fit the model's context window. */
  "prompt_too_long",
  /** A thinking signature is refused. */
  "invalid_signature",
  /** Documents are refused by this model. */
  "document_refused",
  /** Any other refusal of the request itself: the client's to mend. */
  "invalid_request",
  /** A 4xx that is none of the above. */
  "client_error"
])
export type FailureKind = typeof FailureKind.Type

/** Whom a failure concerns. */
export const FailureScope = Schema.Literals(["credential", "directory", "model", "upstream", "none"])
export type FailureScope = typeof FailureScope.Type

/** What an upstream that speaks the clients' language says in an error's body, for the client to read as it stands. */
export const ToldError = Schema.Struct({
  status: Schema.Int,
  type: Schema.String,
  message: Schema.String,
  details: Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))
})
export type ToldError = typeof ToldError.Type

/** A classified failure. `message` is the upstream's wording, redacted and cut to 1,024 characters. */
export const FailureReason = Schema.Struct({
  kind: FailureKind,
  scope: FailureScope,
  /** HTTP status, or null where none was received. */
  status: Schema.NullOr(Schema.Int),
  message: Schema.String,
  /** The upstream's own name for it, e.g. `IMAGE_SIZE_EXCEEDED`, where it has one. */
  code: Schema.optionalKey(Schema.String),
  /** What the client may be told word for word. */
  told: Schema.optionalKey(ToldError),
  /** The upstream's own name of the call, where it gave one. */
  requestId: Schema.optionalKey(Schema.String),
  /** The upstream's `retry-after` in milliseconds, or null. */
  retryAfterMs: Schema.NullOr(Schema.Number),
  /** `d-…` of the account's directory, where the upstream named it. */
  directoryKey: Schema.NullOr(Schema.String)
})
export type FailureReason = typeof FailureReason.Type
