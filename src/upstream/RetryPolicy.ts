/**
 * RetryPolicy: what follows each kind of failure. One table for messages, streams and searches.
 */
import { Duration, Effect, Schedule } from "effect"
import type { FailureKind } from "../message/FailureReason.ts"

/**
 * - `retry`: the next credential that can serve, or the same where there is no other, after the schedule's delay.
 * - `refresh`: a new token for the same credential, once; then as `retry`.
 * - `stop`: the client is told at once.
 */
export type Next = "retry" | "refresh" | "stop"

export interface RetryRule {
  readonly next: Next
  /** Says how long to wait before each further attempt, and when to give up. */
  readonly schedule: Schedule.Schedule<unknown>
}

/** Faults of the way: 200 ms, doubling to 2 s, spread by a fifth so that requests do not march in step. */
const backoff = Schedule.exponential("200 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(2)))),
  Schedule.jittered
)
/** Another credential is another account: there is nothing to wait for. */
const atOnce = Schedule.spaced(Duration.zero)
/** A model without capacity may have some in a moment; clients come back by themselves after that. */
const once = Schedule.spaced("500 millis").pipe(Schedule.upTo({ times: 1 }))

const retry = (schedule: Schedule.Schedule<unknown>): RetryRule => ({ next: "retry", schedule })
const stop: RetryRule = { next: "stop", schedule: atOnce }

export const rules: Readonly<Record<FailureKind, RetryRule>> = {
  network: retry(backoff),
  timeout: retry(backoff),
  upstream_error: retry(backoff),
  stream_broken: retry(backoff),
  rate_limit: retry(atOnce),
  overage_request_limit: retry(atOnce),
  quota_exceeded: retry(atOnce),
  suspicious_activity: retry(atOnce),
  account_suspended: retry(atOnce),
  auth: retry(atOnce),
  token_rejected: { next: "refresh", schedule: atOnce },
  model_capacity: retry(once),
  invalid_model: stop,
  invalid_conversation: stop,
  prompt_too_long: stop,
  invalid_signature: stop,
  document_refused: stop,
  invalid_request: stop,
  client_error: stop
}
