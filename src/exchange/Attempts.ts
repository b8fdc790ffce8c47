/**
 * Attempts: tries a call with one credential after another until one answers, or nothing more may be tried.
 *
 * The delay before each further attempt comes from the Schedule of the failure's kind.
 */
import { type Clock, Duration, Effect, Result, type Scope } from "effect"
import type { HotSettings } from "../config/HotSettings.ts"
import type { CredentialPool } from "../credential/CredentialPool.ts"
import type { CredentialPoolError } from "../credential/CredentialPoolError.ts"
import type { Need } from "../credential/Eligibility.ts"
import type { CredentialId, UpstreamId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import { failure } from "../upstream/UpstreamFailure.ts"
import type { Settlement, UpstreamCall, UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { Budget } from "./Budget.ts"
import type { Affinity } from "./Conversation.ts"
import { type Delay, Delays } from "./Delays.ts"
import { ExchangeError } from "./ExchangeError.ts"
import { Failover, type Verdict } from "./Failover.ts"
import type { Relay } from "./Relay.ts"
import type { Trail } from "./Trail.ts"

/** What the attempts of one request need; the settings stay as they were when it began. */
export interface AttemptsOptions {
  readonly pool: CredentialPool["Service"]
  readonly provider: UpstreamProvider["Service"]
  readonly settings: HotSettings
  readonly clock: Clock.Clock
  /** Takes down each attempt. */
  readonly trail: Trail
}

/** An answer that ended as it should. */
export interface Answered {
  readonly lease: Lease
  readonly settlement: Settlement
}

/** The call without its time-outs, which shrink with the budget, and whose it is. */
export interface Call extends Omit<UpstreamCall, "headerTimeoutMs" | "idleTimeoutMs"> {
  readonly affinity: Affinity
  /** Whose cache holds the most of it, if anybody's does. */
  readonly holder: CredentialId | null
  /** The upstreams that may serve it, the first first. */
  readonly upstreams: ReadonlyArray<UpstreamId>
  /** The one credential that may serve it, or null where any may. */
  readonly only: CredentialId | null
  /** The client that waits for a permit. */
  readonly client: string | null
}

/** One attempt's end. */
type Attempt =
  | { readonly kind: "answered"; readonly answered: Answered }
  /** `delay`: before another attempt; null where there is none. */
  | { readonly kind: "failed"; readonly error: ExchangeError; readonly delay: Delay | null }
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
 * After a failure another credential is tried; where there is no other, the same one after the rest of its delay. No
 * permit is held meanwhile.
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
  const rest = (ms: number) => (ms < budget.left ? Effect.sleep(ms) : budgetSpent)
  let last: ExchangeError | null = null
  /** Until those may be tried again that have failed; null where they may. Milliseconds. */
  let again: number | null = null
  for (;;) {
    const attempt: Attempt = yield* Effect.scoped(once(options, call, relay, progress, again !== null))
    budget.run()
    switch (attempt.kind) {
      case "answered":
        return attempt.answered
      case "budget_spent":
        return yield* budgetSpent
      case "no_lease":
        if (again === null || !failover.mayReturn || attempt.error.reason._tag === "Full")
          return yield* withoutLease(attempt.error, last)
        yield* rest(again)
        again = null
        continue
      case "failed": {
        relay.abandon()
        if (attempt.delay === null) return yield* attempt.error
        last = attempt.error
        again = attempt.delay.again
        if (!(yield* options.pool.canServe(needOf(call, failover, true)))) continue
        yield* rest(attempt.delay.switching)
        again -= attempt.delay.switching
      }
    }
  }
})

/** @param others only credentials that this request has not tried */
const needOf = (
  { affinity, client, holder, model, only, upstreams }: Call,
  { barred, tried }: Failover,
  others: boolean
): Need => ({
  model,
  upstreams,
  only,
  conversation: affinity.from,
  holder,
  client,
  exclude: tried,
  barred: others ? new Set([...barred, ...tried]) : barred
})

/**
 * One attempt, from the permit to the permit. A token that is renewed is used in the same lease.
 *
 * @param others only credentials that this request has not tried
 */
const once = Effect.fnUntraced(function* (
  options: AttemptsOptions,
  call: Call,
  relay: Relay,
  progress: Progress,
  others: boolean
): Effect.fn.Return<Attempt, never, Scope.Scope> {
  const { clock, pool, trail } = options
  const { budget, failover } = progress
  if (budget.left === 0) return spent
  const need = needOf(call, failover, others)
  const queuedAt = clock.currentTimeMillisUnsafe()
  let heldAt = queuedAt
  budget.pause()
  const held = () => {
    budget.run()
    heldAt = clock.currentTimeMillisUnsafe()
    return Math.min(budget.left, Duration.toMillis(options.settings.retry.headerTimeout))
  }
  const leased = yield* Effect.result(pool.lease(need, held))
  budget.run()
  if (Result.isFailure(leased)) {
    const { reason } = leased.failure
    if (reason._tag !== "NoToken") {
      relay.waited(clock.currentTimeMillisUnsafe() - queuedAt)
      return { kind: "no_lease", error: leased.failure }
    }
    const id = reason.credentialId
    failover.begin(id)
    trail.begin(reason, heldAt - queuedAt)
    trail.end({ kind: reason.transient ? "network" : "auth", status: null, scope: "credential" })
    const verdict = failover.pass(id, reason.transient ? "network" : "auth", !reason.transient)
    const delay = yield* delayAfter(options, progress, verdict)
    if (reason.transient) yield* pool.withoutToken(id, retrying(call, progress, id, delay))
    return { kind: "failed", error: ofPool(leased.failure), delay }
  }
  let lease = leased.success
  let queued = heldAt - queuedAt
  for (;;) {
    const tried = yield* send(options, call, relay, progress, lease, queued)
    if (tried.kind !== "renewed") return tried
    lease = tried.lease
    queued = 0
  }
})

/** How long an answer may take that is given whole. Milliseconds. **Source:** the time-out of Anthropic's SDKs. */
export const wholeAnswerMs = 600_000

/** One call with a lease. */
const send = Effect.fnUntraced(function* (
  options: AttemptsOptions,
  call: Call,
  relay: Relay,
  progress: Progress,
  lease: Lease,
  queued: number
): Effect.fn.Return<Attempt | { readonly kind: "renewed"; readonly lease: Lease }> {
  const { clock, pool, provider, settings, trail } = options
  const { budget, failover } = progress
  const { id, upstream } = lease.credential
  const leasedAt = clock.currentTimeMillisUnsafe()
  failover.begin(id)
  trail.begin({ credentialId: id, upstream, why: lease.why }, queued)
  const sink = relay.attempt(
    upstream,
    failover.attempts,
    queued,
    () => pool.accepted(lease),
    (limits) => pool.told(lease, limits)
  )
  const isWhole = provider.answersWhole(call, lease)
  const headerTimeout = isWhole ? wholeAnswerMs : Duration.toMillis(settings.retry.headerTimeout)
  const timeouts = {
    headerTimeoutMs: isWhole ? headerTimeout : Math.max(1, Math.min(headerTimeout, budget.left)),
    idleTimeoutMs: Duration.toMillis(settings.retry.idleTimeout)
  }
  const sending = provider.send({ ...call, ...timeouts }, lease, sink)
  const sent = yield* Effect.result(isWhole ? sending : within(budget, relay, sending))
  if (Result.isSuccess(sent)) {
    trail.end(null)
    yield* pool.report(lease, { kind: "success", conversation: call.affinity.to })
    return { kind: "answered", answered: { lease, settlement: sent.success } }
  }
  const { failure: cause } = sent
  const isSpent = "kind" in cause
  const reason = isSpent ? silent : cause.reason
  // The budget's end is the credential's fault only where the upstream had all the time that any upstream has.
  if (isSpent && clock.currentTimeMillisUnsafe() - leasedAt < headerTimeout) {
    trail.end(reason)
    return spent
  }
  const judged: Verdict = isSpent ? { kind: "stop" } : failover.judge(id, reason, relay.started)
  if (judged.kind === "refresh") {
    const replaced = yield* Effect.result(within(budget, relay, pool.replaceToken(lease)))
    if (Result.isSuccess(replaced)) {
      failover.renewed(id)
      trail.renewed()
      relay.abandon()
      return { kind: "renewed", lease: replaced.success }
    }
    trail.end(reason)
    if (replaced.failure.kind === "budget_spent") return spent
    if (replaced.failure.kind === "unavailable") {
      // Whether the token would be taken is not known: the identity provider is at fault, not the credential.
      const delay = yield* delayAfter(options, progress, failover.pass(id, "network", false))
      yield* pool.withoutToken(id, retrying(call, progress, id, delay))
      return { kind: "failed", error: withoutToken(lease), delay }
    }
  }
  trail.end(reason)
  const verdict = judged.kind === "refresh" ? failover.pass(id, "auth", true) : judged
  const delay = yield* delayAfter(options, progress, verdict)
  yield* pool.report(lease, { kind: "failure", reason, ...retrying(call, progress, id, delay) })
  if (isSpent) return spent
  return { kind: "failed", error: new ExchangeError({ reason: { _tag: "Upstream", failure: reason } }), delay }
})

const withoutToken = ({ credential: { id, upstream }, why }: Lease) =>
  new ExchangeError({
    reason: { _tag: "Pool", pool: { _tag: "NoToken", credentialId: id, upstream, why, transient: true } }
  })

const delayAfter = ({ clock }: AttemptsOptions, { delays }: Progress, verdict: Verdict): Effect.Effect<Delay | null> =>
  verdict.kind === "retry" ? delays.after(verdict.by, clock.currentTimeMillisUnsafe()) : Effect.succeed(null)

/** What the pool has to know of what this request may still do. */
const retrying = (call: Call, { budget, failover }: Progress, id: CredentialId, delay: Delay | null) => ({
  need: needOf(call, failover, false),
  mayRetrySame: delay !== null && delay.again < budget.left && failover.mayRetrySame(id)
})

const spent = { kind: "budget_spent" } as const

const budgetSpent: Effect.Effect<never, ExchangeError> = Effect.suspend(
  () => new ExchangeError({ reason: { _tag: "BudgetSpent" } })
)

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
 * Nobody is left to try. Where each account is over a limit of its own, or the quota is used up, the client is told that;
 * otherwise why the last attempt failed. When to come again is the pool's to say.
 */
const withoutLease = ({ reason }: CredentialPoolError, last: ExchangeError | null): ExchangeError => {
  if (last === null || reason._tag === "OutOfQuota" || (reason._tag === "Cooling" && reason.limited)) {
    return new ExchangeError({ reason: { _tag: "Pool", pool: reason } })
  }
  return reason._tag === "Cooling"
    ? new ExchangeError({ reason: last.reason, recoversInMs: reason.retryAfterMs })
    : last
}
