/**
 * RetryPolicy: what follows each kind of failure. One table for messages, streams and searches.
 */
import { Duration, Effect, Random, Schedule } from "effect"
import type { FailureKind } from "../message/FailureReason.ts"

/**
 * - `retry`: the next credential that can serve, or the same where there is no other and the fault is not its own.
 * - `refresh`: a new token for the same credential, once; then as `retry`.
 * - `stop`: the client is told at once.
 */
export type Next = "retry" | "refresh" | "stop"

/** Its schedules say how long to wait after each failure of the request, and when to give up. */
export interface RetryRule {
  readonly next: Next
  /** Before another credential is tried. */
  readonly switching: Schedule.Schedule<unknown>
  /** Before the same one is, counted from the failure; never shorter than `switching`. */
  readonly again: Schedule.Schedule<unknown>
}

/** 200 ms, doubling to 2 s, and up to a quarter more, so that requests do not march in step. */
export const backoff = Schedule.exponential("200 millis").pipe(
  Schedule.modifyDelay(({ duration }) =>
    Effect.map(Random.next, (random) => Duration.times(Duration.min(duration, Duration.seconds(2)), 1 + 0.25 * random))
  )
)
/** 100 ms more each time, up to 1 s: an upstream that fails is not asked through all its credentials at once. */
export const stepwise = Schedule.modifyDelay(Schedule.forever, ({ attempt }) =>
  Effect.succeed(Duration.millis(Math.min(1_000, 100 * attempt)))
)
/** What is an account's own says nothing about another: there is nothing to wait for. */
const atOnce = Schedule.spaced(Duration.zero)
/** A model without capacity may have some in a moment; clients come back by themselves after that. */
const once = Schedule.spaced("500 millis").pipe(Schedule.upTo({ times: 1 }))

const ofTheWay: RetryRule = { next: "retry", switching: stepwise, again: backoff }
const ofTheAccount: RetryRule = { next: "retry", switching: atOnce, again: atOnce }
const stop: RetryRule = { next: "stop", switching: atOnce, again: atOnce }

export const rules: Readonly<Record<FailureKind, RetryRule>> = {
  network: { next: "retry", switching: backoff, again: backoff },
  timeout: ofTheWay,
  upstream_error: ofTheWay,
  stream_broken: ofTheWay,
  rate_limit: ofTheAccount,
  overage_request_limit: ofTheAccount,
  quota_exceeded: ofTheAccount,
  suspicious_activity: ofTheAccount,
  account_suspended: ofTheAccount,
  auth: ofTheAccount,
  key_rejected: ofTheAccount,
  forbidden: ofTheAccount,
  token_rejected: { next: "refresh", switching: atOnce, again: atOnce },
  model_capacity: { next: "retry", switching: once, again: once },
  invalid_model: stop,
  invalid_conversation: stop,
  prompt_too_long: stop,
  invalid_signature: stop,
  document_refused: stop,
  invalid_request: stop,
  client_error: stop
}
