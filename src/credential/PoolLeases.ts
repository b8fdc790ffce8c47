/**
 * PoolLeases: taking a permit. Choosing and taking are one atomic step; waiting happens outside of it.
 */
import { DateTime, Duration, Effect, type Scope } from "effect"
import { CredentialPoolError } from "./CredentialPoolError.ts"
import type { PoolCore } from "./PoolCore.ts"
import { permitsOf, type PoolEntry } from "./PoolEntry.ts"
import { type Choice, choose, type Need } from "./Selection.ts"

/** A permit that is held, and why this credential has it. */
export interface Held {
  readonly entry: PoolEntry
  readonly because: string
}

/** Where nothing better is known, a full pool is expected to have room again after this time. */
const guess = Duration.seconds(1)

/**
 * A permit of one credential and one of the gateway, held by the Scope.
 *
 * Waits in the bounded queue where the settings say so; refused at once where nobody could serve however long it waits.
 */
export const hold = (core: PoolCore, need: Need): Effect.Effect<Held, CredentialPoolError, Scope.Scope> =>
  Effect.suspend(() => {
    const attempt = takeNow(core, need)
    // A newcomer does not overtake those who wait already.
    if (core.queue.length > 0) return wait(core, attempt)
    return Effect.flatMap(attempt, (held) => (held === null ? wait(core, attempt) : Effect.succeed(held)))
  })

const wait = (core: PoolCore, attempt: Effect.Effect<Held | null, CredentialPoolError, Scope.Scope>) => {
  const { pool } = core.settings.current()
  if (pool.whenFull === "reject") return Effect.fail(full("rejected", guess))
  if (core.queue.length >= pool.queueLimit) return Effect.fail(full("queue_full", guess))
  return core.queue.wait(attempt).pipe(
    Effect.timeoutOrElse({
      duration: pool.queueTimeout,
      orElse: () => Effect.fail(full("queue_timeout", guess))
    })
  )
}

/** Null where someone could serve but all permits are taken. The one place where permits are taken and given back. */
const takeNow = (core: PoolCore, need: Need): Effect.Effect<Held | null, CredentialPoolError, Scope.Scope> =>
  Effect.flatMap(DateTime.now, (now) => {
    const choice = choose(core.candidates(now), need, DateTime.toEpochMillis(now))
    if (choice.kind === "unavailable") return Effect.fail(unavailable(core, need, choice, now))
    if (choice.kind === "full") return Effect.succeed(null)
    const entry = core.entries.get(choice.id)
    return entry === undefined
      ? Effect.succeed(null)
      : Effect.acquireRelease(take(core, entry, choice.because), (held) =>
          held === null ? Effect.void : giveBack(core, held)
        )
  })

/**
 * Counting comes first and in one step, so that nobody can come between the check and the taking; limits and semaphores
 * are sized together, so that what was counted is there to be taken.
 */
const take = (core: PoolCore, entry: PoolEntry, because: string): Effect.Effect<Held | null> =>
  Effect.suspend(() => {
    if (entry.outstanding >= entry.limit || core.outstanding >= core.limit) return Effect.succeed(null)
    entry.outstanding++
    core.outstanding++
    return Effect.andThen(entry.permits.takeIfAvailable(1), core.gateway.takeIfAvailable(1)).pipe(
      Effect.as({ entry, because })
    )
  })

const giveBack = (core: PoolCore, { entry }: Held): Effect.Effect<void> =>
  Effect.andThen(entry.permits.release(1), core.gateway.release(1)).pipe(
    Effect.andThen(
      Effect.sync(() => {
        entry.outstanding--
        core.outstanding--
        core.queue.wake()
      })
    )
  )

/** Fits every entry's permits and the gateway's to the settings; permits over a lowered limit run out by themselves. */
export const resize = (core: PoolCore): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { maxInflight, maxInflightPerCredential } = core.settings.current().pool
    core.limit = permitsOf(maxInflight)
    const resized = [...core.entries].map((entry) => {
      entry.limit = permitsOf(maxInflightPerCredential)
      return entry.permits.resize(entry.limit)
    })
    return Effect.all([core.gateway.resize(core.limit), ...resized], { discard: true }).pipe(
      Effect.andThen(Effect.sync(() => core.queue.wake()))
    )
  })

const full = (because: "rejected" | "queue_full" | "queue_timeout", retryAfter: Duration.Duration) =>
  new CredentialPoolError({ reason: { _tag: "Full", because, retryAfterMs: Duration.toMillis(retryAfter) } })

/** Why nobody can serve, from the most hopeful reason to the least. */
const unavailable = (
  core: PoolCore,
  need: Need,
  choice: Extract<Choice, { kind: "unavailable" }>,
  now: DateTime.Utc
): CredentialPoolError => {
  if (choice.soonest !== null) {
    const limited = [...core.entries].every((entry) => {
      const reason = entry.health.cooldown?.reason
      return reason === undefined || (reason !== "upstream_error" && reason !== "timeout")
    })
    const retryAfterMs = Math.max(0, choice.soonest - DateTime.toEpochMillis(now))
    return new CredentialPoolError({ reason: { _tag: "Cooling", limited, retryAfterMs } })
  }
  if (choice.counts.model > 0) {
    return new CredentialPoolError({ reason: { _tag: "NoneSuits", model: need.model ?? "" } })
  }
  const disabled = [...core.entries].map((entry) => entry.health.disabled?.reason)
  const outOfQuota =
    disabled.length > 0 &&
    disabled.every((reason) => reason === "quota_exceeded" || reason === "manual") &&
    disabled.includes("quota_exceeded")
  return new CredentialPoolError({ reason: { _tag: outOfQuota ? "OutOfQuota" : "NoneEnabled" } })
}
