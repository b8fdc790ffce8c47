/**
 * Attempts: tries a call with one credential after another until one answers, or nothing more may be tried.
 *
 * The delay before each further attempt comes from the Schedule of the failure's kind.
 */
import { type Clock, Duration, Effect, Pull, Result, Schedule, type Scope } from "effect"
import type { HotSettings } from "../config/HotSettings.ts"
import type { CredentialPool } from "../credential/CredentialPool.ts"
import type { CredentialPoolError } from "../credential/CredentialPoolError.ts"
import type { FailureKind, FailureReason } from "../message/FailureReason.ts"
import type { Lease } from "../message/Lease.ts"
import { rules } from "../upstream/RetryPolicy.ts"
import type { Settlement, UpstreamCall, UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { ExchangeError } from "./ExchangeError.ts"
import { Failover, type Verdict } from "./Failover.ts"
import type { Relay } from "./Relay.ts"

/** What the attempts of one request need; the settings stay as they were when it began. */
export interface AttemptsOptions {
  readonly pool: CredentialPool["Service"]
  readonly provider: UpstreamProvider["Service"]
  readonly settings: HotSettings
  readonly clock: Clock.Clock
}

/** An answer that ended as it should. */
export interface Answered {
  readonly lease: Lease
  readonly settlement: Settlement
}

/** The call without its time-outs, which shrink with the budget. */
export type Call = Omit<UpstreamCall, "headerTimeoutMs" | "idleTimeoutMs">

/** One attempt's end. */
type Attempt =
  | { readonly kind: "answered"; readonly answered: Answered }
  | { readonly kind: "failed"; readonly reason: FailureReason; readonly verdict: Verdict }
  | { readonly kind: "no_token"; readonly error: CredentialPoolError; readonly verdict: Verdict }
  | { readonly kind: "no_lease"; readonly error: CredentialPoolError }

export const run = Effect.fnUntraced(function* (
  options: AttemptsOptions,
  call: Call,
  relay: Relay
): Effect.fn.Return<Answered, ExchangeError> {
  const { clock, settings } = options
  const failover = new Failover(settings.retry)
  const delays = new Delays()
  const budget = Duration.toMillis(settings.retry.budget)
  const spent = { ms: 0 }
  let last: FailureReason | null = null
  for (;;) {
    if (spent.ms >= budget) return yield* new ExchangeError({ reason: { _tag: "BudgetSpent" } })
    const attempt = yield* Effect.scoped(once(options, call, relay, failover, budget, spent))
    if (attempt.kind === "answered") return attempt.answered
    if (attempt.kind === "no_lease") return yield* withoutLease(attempt.error, last)
    if (attempt.kind === "failed") last = attempt.reason
    const { verdict } = attempt
    if (verdict.kind === "refresh") continue
    const delay = verdict.kind === "stop" ? null : yield* delays.next(verdict.by, clock.currentTimeMillisUnsafe())
    if (delay === null) {
      return yield* attempt.kind === "failed" ? upstream(attempt.reason) : withoutLease(attempt.error, last)
    }
    if (delay > 0) {
      spent.ms += delay
      yield* Effect.sleep(delay)
    }
  }
})

const once = Effect.fnUntraced(function* (
  { clock, pool, provider, settings }: AttemptsOptions,
  call: Call,
  relay: Relay,
  failover: Failover,
  budget: number,
  spent: { ms: number }
): Effect.fn.Return<Attempt, never, Scope.Scope> {
  const need = { model: call.model, exclude: failover.tried, barred: failover.barred }
  const queuedAt = clock.currentTimeMillisUnsafe()
  const leased = yield* Effect.result(pool.lease(need))
  if (Result.isFailure(leased)) {
    const error = leased.failure
    if (error.reason._tag !== "NoToken") return { kind: "no_lease", error }
    failover.begin(error.reason.credentialId)
    return { kind: "no_token", error, verdict: failover.pass(error.reason.credentialId, "auth") }
  }
  const lease = leased.success
  const { id } = lease.credential
  const leasedAt = clock.currentTimeMillisUnsafe()
  failover.begin(id)
  const sink = relay.attempt(lease.credential.upstream, failover.attempts, leasedAt - queuedAt)
  const sent = yield* Effect.result(
    provider.send(
      {
        ...call,
        headerTimeoutMs: Math.max(1, Math.min(Duration.toMillis(settings.retry.headerTimeout), budget - spent.ms)),
        idleTimeoutMs: Duration.toMillis(settings.retry.idleTimeout)
      },
      lease,
      sink
    )
  )
  if (Result.isSuccess(sent)) {
    yield* pool.report(lease, { kind: "success" })
    return { kind: "answered", answered: { lease, settlement: sent.success } }
  }
  spent.ms += clock.currentTimeMillisUnsafe() - leasedAt
  const { reason } = sent.failure
  const verdict = failover.judge(id, reason, relay.started)
  if (verdict.kind === "refresh" && (yield* pool.replaceToken(lease))) return { kind: "failed", reason, verdict }
  yield* pool.report(lease, {
    kind: "failure",
    reason,
    need,
    mayRetrySame: verdict.kind === "retry" && failover.mayRetrySame(id)
  })
  return { kind: "failed", reason, verdict: verdict.kind === "refresh" ? failover.pass(id, "auth") : verdict }
})

const upstream = (failure: FailureReason): Effect.Effect<never, ExchangeError> =>
  Effect.fail(new ExchangeError({ reason: { _tag: "Upstream", failure } }))

/**
 * Nobody is left to try. Where the pool says when it can serve again, or that the quota is used up, the client is told
 * that; otherwise why the last attempt failed.
 */
const withoutLease = (error: CredentialPoolError, last: FailureReason | null): Effect.Effect<never, ExchangeError> => {
  const { reason } = error
  const telling = reason._tag === "OutOfQuota" || (reason._tag === "Cooling" && reason.limited)
  return last !== null && !telling
    ? upstream(last)
    : Effect.fail(new ExchangeError({ reason: { _tag: "Pool", pool: reason } }))
}

/** The schedules of one request, each begun at the first failure of its kind. */
class Delays {
  readonly #steps = new Map<
    FailureKind,
    (now: number, input: unknown) => Pull.Pull<[unknown, Duration.Duration], never, unknown>
  >()

  /** Milliseconds to wait before another attempt, or null where the schedule has ended. */
  next(kind: FailureKind, now: number): Effect.Effect<number | null> {
    const known = this.#steps.get(kind)
    const begun =
      known !== undefined
        ? Effect.succeed(known)
        : Effect.tap(Schedule.toStep(rules[kind].schedule), (step) => Effect.sync(() => this.#steps.set(kind, step)))
    return Effect.flatMap(begun, (step) =>
      Pull.matchEffect(step(now, undefined), {
        onSuccess: ([, delay]) => Effect.succeed(Duration.toMillis(delay)),
        onDone: () => Effect.succeed(null),
        onFailure: () => Effect.succeed(null)
      })
    )
  }
}
