/**
 * PoolLeases: taking a permit. Choosing and taking are one step, for who asks as for who waits.
 *
 * The rule that everything here keeps: nobody waits while a permit that would serve is free. Whatever could break it (a
 * permit given back, a limit raised, a credential that recovers or fails) looks at those who wait in the same step.
 */
import { Clock, Effect, Metric, References, Result, type Scope } from "effect"
import { CredentialPoolError } from "./CredentialPoolError.ts"
import { Ticket } from "./PermitQueue.ts"
import { isHalfOpen, permitsOf } from "./PoolEntry.ts"
import { queueWait } from "./PoolMetrics.ts"
import type { Held, PoolState } from "./PoolState.ts"
import type { Need } from "./Eligibility.ts"
import type { Choice } from "./Selection.ts"

type Decision = Result.Result<Held, CredentialPoolError>

/**
 * A permit of one credential and one of the gateway, held by the Scope.
 *
 * Waits in the bounded queue where the settings say so; refused at once where nobody could serve however long it waits.
 * What is acquired is the ticket: it is in the Scope before it can be given a permit, so that no moment is left in which
 * an interruption or the end of the wait could lose one.
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
export const atomic = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(Effect.provideService(References.PreventSchedulerYield, true), Effect.uninterruptible)

const ask = Effect.fnUntraced(function* (state: PoolState, need: Need) {
  // Time alone may have made someone eligible: those who wait come first.
  yield* sweep(state, "free permits")
  const decision = (yield* decide(state, need)) ?? refusal(state, need)
  const ticket = new Ticket(need, decision)
  if (decision !== null) return holding(state, ticket)
  for (const other of state.queue.join(ticket, state.settings.current().pool.queueLimit)) {
    yield* other.decide(Result.fail(full(state, "queue_full")))
  }
  return ticket
}, atomic)

/** Null where someone could serve but all permits are taken. The one place where permits are taken. */
const decide = Effect.fnUntraced(function* (state: PoolState, need: Need): Effect.fn.Return<Decision | null> {
  const now = yield* Clock.currentTimeMillis
  const choice = state.choose(need, now)
  if (choice.kind === "unavailable") return Result.fail(unavailable(need, choice, now))
  if (choice.kind === "full") return null
  const { by, entry, why } = choice
  const borrowed = by === "borrowed"
  const probe = isHalfOpen(entry, now) ? {} : null
  if (borrowed) {
    entry.borrowed++
    state.borrowed++
  } else {
    const taken = (yield* entry.permits.takeIfAvailable(1)) && (yield* state.gateway.takeIfAvailable(1))
    if (!taken) return yield* Effect.die(new Error("a permit that was counted as free is not"))
    entry.outstanding++
    state.outstanding++
  }
  if (probe !== null) entry.probing = probe
  if (by === "order") state.index.elect(entry)
  state.index.update(entry, now)
  return Result.succeed({ entry, why, model: need.model, borrowed, probe, since: now, turn: state.nextTurn() })
})

/** Counts the one who holds a permit now. */
const holding = (state: PoolState, ticket: Ticket<Held, CredentialPoolError>) => {
  if (ticket.decision !== null && Result.isSuccess(ticket.decision) && !ticket.decision.success.borrowed) {
    state.holders.add(ticket)
  }
  return ticket
}

/** Whether anyone could serve, now or once a permit is free. */
export const canServe = (state: PoolState, need: Need, now: number): boolean =>
  state.choose(need, now).kind !== "unavailable"

/** Why this newcomer may not wait, or null. */
const refusal = (state: PoolState, { client }: Need): Decision | null => {
  const { pool } = state.settings.current()
  if (pool.whenFull === "reject") return Result.fail(full(state, "rejected"))
  return state.queue.hasRoom(client, pool.queueLimit) ? null : Result.fail(full(state, "queue_full"))
}

/** A decision that falls together with the end of the wait counts. */
const wait = Effect.fnUntraced(function* (state: PoolState, ticket: Ticket<Held, CredentialPoolError>) {
  const since = yield* Clock.currentTimeMillis
  const waited = Effect.flatMap(Clock.currentTimeMillis, (now) => Metric.update(queueWait, (now - since) / 1000))
  return yield* ticket.decided.pipe(
    Effect.timeoutOption(state.settings.current().pool.queueTimeout),
    Effect.flatMap(() => {
      state.queue.leave(ticket)
      return ticket.decision === null ? Effect.fail(full(state, "queue_timeout")) : Effect.fromResult(ticket.decision)
    }),
    Effect.onExit(() => waited)
  )
})

/** The one place where permits are given back. */
const giveBack = Effect.fnUntraced(function* (state: PoolState, ticket: Ticket<Held, CredentialPoolError>) {
  state.queue.leave(ticket)
  if (ticket.decision === null || Result.isFailure(ticket.decision)) return
  const { borrowed, entry, probe, since } = ticket.decision.success
  const now = yield* Clock.currentTimeMillis
  if (borrowed) {
    entry.borrowed--
    state.borrowed--
  } else {
    yield* entry.permits.release(1)
    yield* state.gateway.release(1)
    entry.outstanding--
    state.outstanding--
  }
  state.holders.delete(ticket)
  if (probe !== null && entry.probing === probe) entry.probing = null
  if (state.entries.get(entry.credential.id) === entry) state.index.update(entry, now)
  state.lasted(now - since)
  yield* sweep(state, "free permits")
}, atomic)

/**
 * Decides for those who wait, turn by turn, as far as it can be decided now.
 *
 * `free permits` stops where none is left, so that a permit given back costs one look and not one for each waiter;
 * `everyone` also finds those who wait in vain, because all that could have served them rest or are switched off.
 */
export const sweep: (state: PoolState, whom: "free permits" | "everyone") => Effect.Effect<void> = Effect.fnUntraced(
  function* (state, whom) {
    if (state.queue.length === 0) return
    state.advance(yield* Clock.currentTimeMillis)
    // Of those who ask for the same and have tried nobody, one look tells for all.
    const inVain = new Set<string>()
    for (const ticket of state.queue) {
      if (whom === "free permits" && (state.outstanding >= state.limit || !state.index.hasReady)) return
      const { kind } = ticket
      if (kind !== null && inVain.has(kind)) continue
      const decision = yield* decide(state, ticket.need)
      if (decision === null) {
        if (kind !== null) inVain.add(kind)
        continue
      }
      state.queue.served(ticket)
      yield* ticket.decide(decision)
      holding(state, ticket)
    }
  },
  atomic
)

/** Fits order and permits to the settings; permits over a lowered limit run out by themselves. */
export const resize: (state: PoolState) => Effect.Effect<void> = Effect.fnUntraced(function* (state) {
  const { maxInflight, maxInflightPerCredential, mode } = state.settings.current().pool
  const now = yield* Clock.currentTimeMillis
  state.index.setMode(mode)
  if (state.limit !== permitsOf(maxInflight)) {
    state.limit = permitsOf(maxInflight)
    yield* state.gateway.resize(state.limit)
  }
  for (const entry of state.entries) {
    if (entry.limit === permitsOf(maxInflightPerCredential)) continue
    entry.limit = permitsOf(maxInflightPerCredential)
    yield* entry.permits.resize(entry.limit)
    state.index.update(entry, now)
  }
  yield* sweep(state, "everyone")
}, atomic)

const full = (state: PoolState, because: "rejected" | "queue_full" | "queue_timeout") =>
  new CredentialPoolError({ reason: { _tag: "Full", because, retryAfterMs: state.expectedWait } })

/** @param now milliseconds since the epoch */
const unavailable = (need: Need, choice: Extract<Choice, { kind: "unavailable" }>, now: number) => {
  const retryAfterMs = Math.max(0, (choice.soonest ?? now) - now)
  switch (choice.because) {
    case "limited":
    case "resting":
      return new CredentialPoolError({
        reason: { _tag: "Cooling", limited: choice.because === "limited", retryAfterMs }
      })
    case "out_of_quota":
      return new CredentialPoolError({ reason: { _tag: "OutOfQuota" } })
    case "model":
      return new CredentialPoolError({ reason: { _tag: "NoneSuits", model: need.model ?? "" } })
    case "gone":
      return new CredentialPoolError({ reason: { _tag: "Gone" } })
    case "disabled":
      return new CredentialPoolError({ reason: { _tag: "NoneEnabled" } })
  }
}
