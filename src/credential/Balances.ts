/**
 * Balances: what is left of each credential's plan, and what that changes: figures that show room end a rest or a switch
 * off for want of it.
 */
import { Clock, DateTime, Effect, type Scope } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import { forLog } from "../telemetry/Redaction.ts"
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
  readonly quotaUsedUp: (entry: PoolEntry, lease: Lease) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (core: PoolCore): Effect.fn.Return<Balances, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const once = yield* SingleFlight.make<CredentialId, Balance, UpstreamFailure>()
  // Bounded by the number of credentials.
  const cached = new WeakMap<PoolEntry, { readonly at: number; readonly balance: Balance }>()

  const fetch = (entry: PoolEntry, lease: Lease, refusedNow: boolean) =>
    Effect.gen(function* () {
      const balance = yield* core.provider.balance(lease)
      const now = yield* DateTime.now
      cached.set(entry, { at: DateTime.toEpochMillis(now), balance })
      // Who was refused a moment ago has no room, whatever the figures say: they may lag behind.
      const told = refusedNow ? { ...balance, remaining: 0 } : balance
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
    entry.credential = { ...credential, ...change }
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (core.entries.get(credential.id) === entry) core.index.update(entry, now)
      if (!entry.stored) return Effect.void
      return core.store
        .update(credential.id, change)
        .pipe(
          Effect.catch((error) =>
            Effect.logWarning(`Credential ${credential.id}: its account's name could not be stored`, error)
          )
        )
    })
  }

  return {
    of: (entry, lease) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const known = cached.get(entry)
        return known !== undefined && now - known.at < lifetimeMs
          ? Effect.succeed(known.balance)
          : once(entry.credential.id, fetch(entry, lease, false))
      }),
    quotaUsedUp: (entry, lease) =>
      once(entry.credential.id, fetch(entry, lease, true)).pipe(
        Effect.catch((error) =>
          Effect.logWarning(
            `Credential ${entry.credential.id}: when its quota is renewed could not be asked: ${forLog(error.message)}`
          )
        ),
        Effect.forkIn(scope),
        Effect.asVoid
      )
  }
})
