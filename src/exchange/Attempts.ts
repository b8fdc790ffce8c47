/**
 * Attempts: tries a call with one credential after another until one answers, or nothing more may be tried.
 *
 * The delay before each further attempt comes from the Schedule of the failure's kind.
 */
import { type Clock, Duration, Effect, Pull, Result, Schedule, type Scope } from "effect"
import type { HotSettings } from "../config/HotSettings.ts"
import type { CredentialPool } from "../credential/CredentialPool.ts"
import type { CredentialPoolError } from "../credential/CredentialPoolError.ts"
import type { FailureKind } from "../message/FailureReason.ts"
import type { Lease } from "../message/Lease.ts"
import { rules } from "../upstream/RetryPolicy.ts"
import { failure } from "../upstream/UpstreamFailure.ts"
import type { Settlement, UpstreamCall, UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { Budget } from "./Budget.ts"
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
  /** `wait`: before the same credential is tried again, or, with a fault of the model, any. Milliseconds; null: never. */
  | { readonly kind: "failed"; readonly error: ExchangeError; readonly wait: number | null; readonly always: boolean }
  | { readonly kind: "refreshed" }
  | { readonly kind: "no_lease"; readonly error: CredentialPoolError }
  | { readonly kind: "budget_spent" }

/** One request's bookkeeping. */
interface Progress {
  readonly failover: Failover
  readonly delays: Delays
  readonly budget: Budget
}

/**
 * Tries until an attempt answers, or nothing more may be tried.
 *
 * After a fault of the way the next credential is tried at once; where there is no other, the same one after its delay,
 * for which no permit is held.
 */
export const run = Effect.fnUntraced(function* (
  options: AttemptsOptions,
  call: Call,
  relay: Relay
): Effect.fn.Return<Answered, ExchangeError> {
  const { clock, settings } = options
  const failover = new Failover(settings.retry)
  const budget = new Budget(Duration.toMillis(settings.retry.budget), () => clock.currentTimeMillisUnsafe())
  const progress: Progress = { failover, budget, delays: new Delays() }
  let last: ExchangeError | null = null
  let wait = 0
  for (;;) {
    const others = wait > 0
    const attempt: Attempt = yield* Effect.scoped(once(options, call, relay, progress, others))
    budget.run()
    switch (attempt.kind) {
      case "answered":
        return attempt.answered
      case "budget_spent":
        return yield* budgetSpent
      case "refreshed":
        wait = 0
        continue
      case "no_lease": {
        if (!others || !failover.mayReturn || attempt.error.reason._tag === "Full")
          return yield* withoutLease(attempt.error, last)
        if (wait >= budget.left) return yield* budgetSpent
        yield* Effect.sleep(wait)
        wait = 0
        continue
      }
      case "failed": {
        relay.abandon()
        if (attempt.wait === null) return yield* attempt.error
        last = attempt.error
        wait = attempt.wait
        if (!attempt.always) continue
        if (wait >= budget.left) return yield* budgetSpent
        yield* Effect.sleep(wait)
        wait = 0
      }
    }
  }
})

/** @param others only credentials that this request has not tried */
const once = Effect.fnUntraced(function* (
  { clock, pool, provider, settings }: AttemptsOptions,
  call: Call,
  relay: Relay,
  { budget, delays, failover }: Progress,
  others: boolean
): Effect.fn.Return<Attempt, never, Scope.Scope> {
  if (budget.left === 0) return spent
  const barred = others ? new Set([...failover.barred, ...failover.tried]) : failover.barred
  const need = { model: call.model, exclude: failover.tried, barred }
  const queuedAt = clock.currentTimeMillisUnsafe()
  budget.pause()
  const leased = yield* Effect.result(pool.lease(need))
  budget.run()
  if (Result.isFailure(leased)) {
    const { reason } = leased.failure
    if (reason._tag !== "NoToken") return { kind: "no_lease", error: leased.failure }
    failover.begin(reason.credentialId)
    const verdict = failover.pass(reason.credentialId, reason.transient ? "network" : "auth", !reason.transient)
    const wait = yield* delays.after(verdict, clock)
    return { kind: "failed", error: ofPool(leased.failure), wait, always: false }
  }
  const lease = leased.success
  const { id } = lease.credential
  const leasedAt = clock.currentTimeMillisUnsafe()
  failover.begin(id)
  const sink = relay.attempt(lease.credential.upstream, failover.attempts, leasedAt - queuedAt)
  const headerTimeout = Duration.toMillis(settings.retry.headerTimeout)
  const timeouts = {
    headerTimeoutMs: Math.max(1, Math.min(headerTimeout, budget.left)),
    idleTimeoutMs: Duration.toMillis(settings.retry.idleTimeout)
  }
  const sent = yield* Effect.result(within(budget, relay, provider.send({ ...call, ...timeouts }, lease, sink)))
  if (Result.isSuccess(sent)) {
    yield* pool.report(lease, { kind: "success" })
    return { kind: "answered", answered: { lease, settlement: sent.success } }
  }
  const { failure: cause } = sent
  const isSpent = "kind" in cause
  // The budget's end is the credential's fault only where the upstream had all the time that any upstream has.
  if (isSpent && clock.currentTimeMillisUnsafe() - leasedAt < headerTimeout) return spent
  const reason = isSpent ? silent : cause.reason
  const judged: Verdict = isSpent ? { kind: "stop" } : failover.judge(id, reason, relay.started)
  if (judged.kind === "refresh") {
    const replaced = yield* Effect.result(within(budget, relay, pool.replaceToken(lease)))
    if (Result.isFailure(replaced)) return spent
    if (replaced.success) {
      failover.renewed(id)
      relay.abandon()
      return { kind: "refreshed" }
    }
  }
  const verdict = judged.kind === "refresh" ? failover.pass(id, "auth", true) : judged
  const wait = yield* delays.after(verdict, clock)
  const mayRetrySame = wait !== null && wait < budget.left && failover.mayRetrySame(id)
  yield* pool.report(lease, { kind: "failure", reason, need: { ...need, barred: failover.barred }, mayRetrySame })
  if (isSpent) return spent
  const error = new ExchangeError({ reason: { _tag: "Upstream", failure: reason } })
  return { kind: "failed", error, wait, always: reason.scope === "model" }
})

const spent = { kind: "budget_spent" } as const

const budgetSpent = Effect.suspend(() => new ExchangeError({ reason: { _tag: "BudgetSpent" } }))

/** What the pool is told where an upstream took all of the budget without an event. */
const silent = failure("timeout", "upstream", "the upstream did not begin its answer in time").reason

/** The effect, ended with the budget unless the answer has begun by then: an answer that has begun is never cut. */
const within = <A, E>(budget: Budget, relay: Relay, effect: Effect.Effect<A, E>): Effect.Effect<A, E | typeof spent> =>
  Effect.raceFirst(
    effect,
    Effect.flatMap(Effect.sleep(budget.left), () => (relay.begun ? Effect.never : Effect.fail(spent)))
  )

const ofPool = (error: CredentialPoolError): ExchangeError =>
  new ExchangeError({ reason: { _tag: "Pool", pool: error.reason } })

/**
 * Nobody is left to try. Where the pool says when it can serve again, or that the quota is used up, the client is told
 * that; otherwise why the last attempt failed.
 */
const withoutLease = (error: CredentialPoolError, last: ExchangeError | null): ExchangeError => {
  const { reason } = error
  const telling = reason._tag === "OutOfQuota" || (reason._tag === "Cooling" && reason.limited)
  return last === null || telling ? ofPool(error) : last
}

/** The schedules of one request, each begun at the first failure of its kind. */
class Delays {
  readonly #steps = new Map<
    FailureKind,
    (now: number, input: unknown) => Pull.Pull<[unknown, Duration.Duration], never, unknown>
  >()

  /** Milliseconds to wait before another attempt, or null where there is none: so judged, or the schedule has ended. */
  after(verdict: Verdict, clock: Clock.Clock): Effect.Effect<number | null> {
    return verdict.kind === "retry" ? this.#next(verdict.by, clock.currentTimeMillisUnsafe()) : Effect.succeed(null)
  }

  #next(kind: FailureKind, now: number): Effect.Effect<number | null> {
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
