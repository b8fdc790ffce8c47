/**
 * PoolLeases: taking a permit. Choosing and taking are one step, for who asks as for who waits.
 *
 * The rule that everything here keeps: nobody waits while a permit that would serve is free. Whatever could break it (a
 * permit given back, a limit raised, a credential that recovers or fails) looks at those who wait in the same step.
 */
import { DateTime, Duration, Effect, References, Result, type Scope } from "effect"
import { CredentialPoolError } from "./CredentialPoolError.ts"
import type { CooldownReason } from "../message/CredentialState.ts"
import { Ticket } from "./PermitQueue.ts"
import { isDisabled, permitsOf } from "./PoolEntry.ts"
import type { Held, PoolState } from "./PoolState.ts"
import { type Candidate, type Choice, choose, ineligible, type Need } from "./Selection.ts"

type Decision = Result.Result<Held, CredentialPoolError>

/** Where nothing better is known, a full pool is expected to have room again after this time. */
const guess = Duration.seconds(1)

/**
 * A permit of one credential and one of the gateway, held by the Scope.
 *
 * Waits in the bounded queue where the settings say so; refused at once where nobody could serve however long it waits.
 * What is acquired is the ticket: it is in the Scope before it can be given a permit, so that no moment is left in which
 * an interruption or the end of the wait could lose one.
 *
 * **Gotchas**: `whenFull: "overflow"` still waits like `"queue"`.
 */
export const hold = (state: PoolState, need: Need): Effect.Effect<Held, CredentialPoolError, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(ask(state, need), (ticket) => giveBack(state, ticket)),
    (ticket) => (ticket.decision === null ? wait(state, ticket) : Effect.fromResult(ticket.decision))
  )

/**
 * Runs in one turn of the event loop and is not interrupted: nobody sees the pool between its steps, and counters and
 * semaphores never differ.
 */
const atomic = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(Effect.provideService(References.PreventSchedulerYield, true), Effect.uninterruptible)

const ask = Effect.fnUntraced(function* (state: PoolState, need: Need) {
  // Time alone may have made someone eligible: those who wait come first.
  yield* sweep(state, "free permits")
  const now = yield* DateTime.now
  const decision = (yield* decide(state, state.candidates(now), need, now)) ?? refusal(state)
  const ticket = new Ticket(need, decision)
  if (decision === null) state.queue.join(ticket)
  return ticket
}, atomic)

/** Null where someone could serve but all permits are taken. The one place where permits are taken. */
const decide = Effect.fnUntraced(function* (
  state: PoolState,
  candidates: ReadonlyArray<Candidate>,
  need: Need,
  now: DateTime.Utc
): Effect.fn.Return<Decision | null> {
  const choice = choose(candidates, need, DateTime.toEpochMillis(now))
  if (choice.kind === "unavailable") return Result.fail(unavailable(state, candidates, need, choice, now))
  const entry = choice.kind === "full" ? undefined : state.entries.get(choice.id)
  if (choice.kind === "full" || entry === undefined) return null
  yield* entry.permits.takeIfAvailable(1)
  yield* state.gateway.takeIfAvailable(1)
  entry.outstanding++
  state.outstanding++
  return Result.succeed({ entry, because: choice.because })
})

/** Whether anyone could serve, now or once a permit is free. */
export const canServe = (state: PoolState, need: Need, now: DateTime.Utc): boolean =>
  choose(state.candidates(now), need, DateTime.toEpochMillis(now)).kind !== "unavailable"

/** Why this newcomer may not wait, or null. */
const refusal = (state: PoolState): Decision | null => {
  const { pool } = state.settings.current()
  if (pool.whenFull === "reject") return Result.fail(full("rejected"))
  return state.queue.length >= pool.queueLimit ? Result.fail(full("queue_full")) : null
}

/** A decision that falls together with the end of the wait counts. */
const wait = (state: PoolState, ticket: Ticket<Held, CredentialPoolError>) =>
  ticket.decided.pipe(
    Effect.timeoutOption(state.settings.current().pool.queueTimeout),
    Effect.flatMap(() => {
      state.queue.leave(ticket)
      return ticket.decision === null ? Effect.fail(full("queue_timeout")) : Effect.fromResult(ticket.decision)
    })
  )

/** The one place where permits are given back. */
const giveBack = Effect.fnUntraced(function* (state: PoolState, ticket: Ticket<Held, CredentialPoolError>) {
  state.queue.leave(ticket)
  if (ticket.decision === null || Result.isFailure(ticket.decision)) return
  const { entry } = ticket.decision.success
  yield* entry.permits.release(1)
  yield* state.gateway.release(1)
  entry.outstanding--
  state.outstanding--
  yield* sweep(state, "free permits")
}, atomic)

/**
 * Decides for those who wait, in order of arrival, as far as it can be decided now.
 *
 * `free permits` stops where none is left, so that a permit given back costs one look and not one for each waiter;
 * `everyone` also finds those who wait in vain, because all that could have served them rest or are switched off.
 */
export const sweep: (state: PoolState, whom: "free permits" | "everyone") => Effect.Effect<void> = Effect.fnUntraced(
  function* (state, whom) {
    if (state.queue.length === 0) return
    const now = yield* DateTime.now
    let candidates = state.candidates(now)
    for (const ticket of state.queue) {
      if (whom === "free permits" && !candidates.some(isFree)) return
      const decision = yield* decide(state, candidates, ticket.need, now)
      if (decision === null) continue
      state.queue.leave(ticket)
      yield* ticket.decide(decision)
      candidates = state.candidates(now)
    }
  },
  atomic
)

const isFree = ({ coolingUntil, disabled, full }: Candidate) => !disabled && coolingUntil === null && !full

/** Fits every entry's permits and the gateway's to the settings; permits over a lowered limit run out by themselves. */
export const resize: (state: PoolState) => Effect.Effect<void> = Effect.fnUntraced(function* (state) {
  const { maxInflight, maxInflightPerCredential } = state.settings.current().pool
  state.limit = permitsOf(maxInflight)
  yield* state.gateway.resize(state.limit)
  for (const entry of state.entries) {
    entry.limit = permitsOf(maxInflightPerCredential)
    yield* entry.permits.resize(entry.limit)
  }
  yield* sweep(state, "free permits")
}, atomic)

const full = (because: "rejected" | "queue_full" | "queue_timeout") =>
  new CredentialPoolError({ reason: { _tag: "Full", because, retryAfterMs: Duration.toMillis(guess) } })

/** Rests that the account's own use has earned. */
const limits: ReadonlySet<CooldownReason> = new Set<CooldownReason>([
  "rate_limit",
  "overage_request_limit",
  "suspicious_activity"
])

/** Why nobody can serve, from the most hopeful reason to the least. */
const unavailable = (
  state: PoolState,
  candidates: ReadonlyArray<Candidate>,
  need: Need,
  choice: Extract<Choice, { kind: "unavailable" }>,
  now: DateTime.Utc
): CredentialPoolError => {
  const at = DateTime.toEpochMillis(now)
  if (choice.soonest !== null) {
    const limited = candidates
      .filter((candidate) => ineligible(candidate, need, at) === "cooldown")
      .every(({ id }) => {
        const cooldown = state.entries.get(id)?.health.cooldown
        return cooldown !== null && cooldown !== undefined && limits.has(cooldown.reason)
      })
    return new CredentialPoolError({ reason: { _tag: "Cooling", limited, retryAfterMs: choice.soonest - at } })
  }
  if (choice.counts.model > 0) {
    return new CredentialPoolError({ reason: { _tag: "NoneSuits", model: need.model ?? "" } })
  }
  const reasons = Array.from(state.entries, ({ health }) => (isDisabled(health, now) ? health.disabled?.reason : null))
  const outOfQuota =
    reasons.includes("quota_exceeded") && reasons.every((reason) => reason === "quota_exceeded" || reason === "manual")
  return new CredentialPoolError({ reason: { _tag: outOfQuota ? "OutOfQuota" : "NoneEnabled" } })
}
