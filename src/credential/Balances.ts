/**
 * Balances: what is left of each credential's plan, and what that changes: figures that show room end a rest or a switch
 * off for want of it.
 */
import { Clock, DateTime, Effect, FiberMap, Schedule, type Scope } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import { forLog } from "../telemetry/Redaction.ts"
import type { RefreshFailure } from "../upstream/RefreshFailure.ts"
import type { UpstreamFailure } from "../upstream/UpstreamFailure.ts"
import type { Balance } from "../upstream/UpstreamProvider.ts"
import * as Cooldown from "./Cooldown.ts"
import type { PoolCore } from "./PoolCore.ts"
import type { PoolEntry } from "./PoolEntry.ts"
import * as SingleFlight from "./SingleFlight.ts"

/** How long figures are good for. Milliseconds. */
const lifetimeMs = 5 * 60_000

export interface Balances {
  /** At most five minutes old. */
  readonly of: (entry: PoolEntry, lease: Lease) => Effect.Effect<Balance, UpstreamFailure>
  /** Finds out in the background until when a quota is used up. */
  readonly quotaUsedUp: (entry: PoolEntry, ask: Effect.Effect<Lease, RefreshFailure>) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (core: PoolCore): Effect.fn.Return<Balances, never, Scope.Scope> {
  // Bounded by the number of credentials.
  const asking = yield* FiberMap.make<CredentialId, void, never>()
  const once = yield* SingleFlight.make<CredentialId, Balance, UpstreamFailure>()
  // Bounded by the number of credentials.
  const cached = new WeakMap<PoolEntry, { readonly at: number; readonly balance: Balance }>()

  const fetch = (entry: PoolEntry, lease: Lease, refusedNow: boolean) =>
    Effect.gen(function* () {
      const turn = core.nextTurn()
      const balance = yield* core.provider.balance(lease)
      const now = yield* DateTime.now
      cached.set(entry, { at: DateTime.toEpochMillis(now), balance })
      // Who was refused a moment ago, or meanwhile, has no room, whatever the figures say: they may lag behind.
      const told = refusedNow || entry.troubledTurn > turn ? { ...balance, remaining: 0 } : balance
      if (Cooldown.afterBalance(entry.health, told, now) !== entry.health) {
        yield* core.change(entry, (health) => Cooldown.afterBalance(health, told, now), true)
      }
      yield* remember(entry, balance)
      return balance
    })

  /** What the account says of itself is newer than what a file said. */
  const remember = (entry: PoolEntry, { email, subscription }: Balance) => {
    const { credential } = entry
    const change = {
      ...(email !== null && email !== credential.email ? { email } : {}),
      ...(subscription !== null && subscription !== credential.subscription ? { subscription } : {})
    }
    if (Object.keys(change).length === 0) return Effect.void
    const altered = core.alter([entry], (one) => {
      one.credential = { ...one.credential, ...change }
    })
    if (!entry.stored) return altered
    const stored = core.store
      .update(credential.id, change)
      .pipe(
        Effect.catch((error) =>
          Effect.logWarning(`Credential ${credential.id}: its account's name could not be stored`, error)
        )
      )
    return Effect.andThen(altered, stored)
  }

  /** Asks until the account has answered, once an hour: what is assumed until then may be weeks off. */
  const untilAnswered = (entry: PoolEntry, ask: Effect.Effect<Lease, RefreshFailure>) =>
    ask.pipe(
      Effect.flatMap((lease) => fetch(entry, lease, true)),
      Effect.tapError((error) =>
        Effect.logWarning(
          `Credential ${entry.credential.id}: when its quota is renewed could not be asked: ${forLog(error.message)}`
        )
      ),
      Effect.retry({
        schedule: Schedule.spaced("1 hour"),
        while: () => entry.health.disabled?.reason === "quota_exceeded"
      }),
      Effect.ignore
    )

  return {
    of: (entry, lease) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const known = cached.get(entry)
        return known !== undefined && now - known.at < lifetimeMs
          ? Effect.succeed(known.balance)
          : once(entry.credential.id, fetch(entry, lease, false))
      }),
    quotaUsedUp: (entry, ask) =>
      Effect.asVoid(FiberMap.run(asking, entry.credential.id, untilAnswered(entry, ask), { onlyIfMissing: true }))
  }
})
