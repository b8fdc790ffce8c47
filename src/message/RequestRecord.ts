/**
 * RequestRecord: what is kept of one client request: who asked for what, who served it after which failures, how long it
 * took, and what it used. No part of a prompt or an answer.
 */
import { Effect, Schema } from "effect"
import { FailureKind, FailureScope } from "./FailureReason.ts"
import { ConversationId, CredentialId } from "./Ids.ts"
import { CacheSource, TokenCounts, UsageSource } from "./Usage.ts"
import { Why } from "./Why.ts"

/**
 * How a request ended: `client_closed`, the client went away first; `abandoned`, the gateway's process died under it.
 */
export const Outcome = Schema.Literals(["ok", "client_closed", "failed", "abandoned"])
export type Outcome = typeof Outcome.Type

/** Measured tokens and where they come from; of a request that did not end well, as far as they were known. */
export const RecordedUsage = Schema.Struct({ ...TokenCounts.fields, source: UsageSource, cacheSource: CacheSource })
export type RecordedUsage = typeof RecordedUsage.Type

/** Milliseconds; null: it did not get that far. */
export const Phases = Schema.Struct({
  /** Waiting for a permit. */
  queue: Schema.Finite,
  /** From the permit to the upstream's 200. */
  upstreamHeader: Schema.NullOr(Schema.Finite),
  /** From the beginning to the first event. */
  firstEvent: Schema.NullOr(Schema.Finite),
  total: Schema.Finite
})
export type Phases = typeof Phases.Type

/** One attempt with one credential. */
export const AttemptRecord = Schema.Struct({
  credentialId: CredentialId,
  upstream: Schema.String,
  /** Null where it answered. */
  failure: Schema.NullOr(Schema.Struct({ kind: FailureKind, status: Schema.NullOr(Schema.Int), scope: FailureScope })),
  /** The upstream's own name of the call, for questions to whoever runs it; null where it gave none. */
  upstreamRequestId: Schema.NullOr(Schema.String).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  /** What it has used, measured; null where no answer was begun. */
  usage: Schema.NullOr(RecordedUsage),
  /** What the upstream has charged for it, in its own credits, as far as it said. */
  credits: Schema.NullOr(Schema.Finite),
  /** Whether its token was renewed on the way, after the upstream had refused it. */
  refreshed: Schema.Boolean,
  phases: Phases,
  why: Why
})
export type AttemptRecord = typeof AttemptRecord.Type

/** What is known of a request before an upstream is asked. */
export const RequestIntent = Schema.Struct({
  /** The answer's `request-id`. */
  id: Schema.String,
  /** When it came. Milliseconds since the epoch. */
  time: Schema.Int,
  /** The client key's id, never the key; null where nobody in particular asked. */
  keyId: Schema.NullOr(Schema.String),
  /** As the client wrote it, at most 256 characters. */
  model: Schema.String,
  /** The upstream's own name of it. */
  resolvedModel: Schema.String,
  stream: Schema.Boolean,
  conversation: Schema.NullOr(ConversationId)
})
export type RequestIntent = typeof RequestIntent.Type

export const RequestRecord = Schema.Struct({
  ...RequestIntent.fields,
  outcome: Outcome,
  stopReason: Schema.NullOr(Schema.String),
  /** What the client was told, or, as 499, could not be told any more; 0 where the process died first. */
  status: Schema.Int,
  error: Schema.NullOr(Schema.Struct({ type: Schema.String, message: Schema.String })),
  usage: RecordedUsage,
  /** What the client was told in place of the measured counts, under `cache.reportedReadRatio`. */
  reported: Schema.NullOr(TokenCounts),
  /** Web searches that succeeded. */
  webSearches: Schema.Int,
  /** What the upstream has charged for all attempts, in its own credits. */
  credits: Schema.NullOr(Schema.Finite),
  phases: Phases,
  attempts: Schema.Array(AttemptRecord)
})
export type RequestRecord = typeof RequestRecord.Type

/** Of a request that used nothing. */
export const nothingUsed: RecordedUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  source: "estimated",
  cacheSource: "none"
}
