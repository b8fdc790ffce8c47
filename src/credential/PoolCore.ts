/**
 * PoolCore: what the parts of the pool share: its state, and how changes of it become known and stored.
 */
import { Clock, Effect, Latch, PubSub, Schedule, type Scope, Semaphore } from "effect"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CredentialId, UpstreamId } from "../message/Ids.ts"
import type { UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import type { CredentialStore, Health } from "./CredentialStore.ts"
import { isHalfOpen, type PoolEntry } from "./PoolEntry.ts"
import { sweep } from "./PoolLeases.ts"
import { PoolState } from "./PoolState.ts"

export interface PoolCore extends PoolState {
  readonly store: CredentialStore["Service"]
  readonly provider: UpstreamProvider["Service"]
  /** Takes a credential into the pool. */
  readonly admit: (entry: PoolEntry) => Effect.Effect<void>
  /**
   * Changes an entry's health as it is at that moment, stores it, and lets waiters and listeners know; not interrupted
   * half-way. `urgent`: stored when it returns, if storage works; what could not be stored is tried again.
   */
  readonly change: (entry: PoolEntry, f: (health: Health) => Health, urgent: boolean) => Effect.Effect<void>
  /**
   * An upstream has begun to answer the first request after a rest: the credential serves again, for everybody.
   */
  readonly accepted: (entry: PoolEntry) => void
  /** Leaves an upstream alone. @param until milliseconds since the epoch */
  readonly pause: (upstream: UpstreamId, until: number) => void
  /** Ids of credentials that changed. */
  readonly changes: PubSub.PubSub<CredentialId>
}

/** Counters that only tell how often a credential served are written at this pace. */
const leisurely = Schedule.spaced("1 second")
/** Changes that a slow listener may lag behind by; past it the oldest are dropped. */
const listenerBuffer = 256

export const make = Effect.fnUntraced(function* (
  settings: RuntimeSettings["Service"],
  store: CredentialStore["Service"],
  provider: UpstreamProvider["Service"]
): Effect.fn.Return<PoolCore, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const state = new PoolState(settings)
  const { entries } = state
  const changes = yield* PubSub.sliding<CredentialId>(listenerBuffer)

  // Bounded by the number of credentials.
  const unsaved = new Set<PoolEntry>()
  const writer = yield* Semaphore.make(1)
  const save = Effect.suspend(() => {
    const batch = [...unsaved].filter((entry) => entries.get(entry.credential.id) === entry)
    unsaved.clear()
    return Effect.forEach(batch, (entry) => store.saveHealth(entry.credential.id, entry.health), {
      discard: true
    }).pipe(
      Effect.catch((error) => {
        for (const entry of batch) unsaved.add(entry)
        return Effect.logError("The health of credentials could not be stored; it will be tried again", error)
      })
    )
  }).pipe(Effect.uninterruptible, writer.withPermit)
  yield* Effect.forkScoped(Effect.repeat(save, leisurely))
  yield* Effect.addFinalizer(() => save)

  // One timer for all that recover by time; it is set anew whenever somebody begins to rest.
  const wake = Latch.makeUnsafe(false)
  const recover = Effect.gen(function* () {
    const next = state.index.nextRecovery
    const now = yield* Clock.currentTimeMillis
    if (next === null) yield* wake.await
    else if (next > now) yield* Effect.raceFirst(Effect.sleep(next - now), wake.await)
    wake.closeUnsafe()
    const recovered = state.index.advance(yield* Clock.currentTimeMillis)
    yield* sweep(state, "everyone")
    yield* PubSub.publishAll(changes, recovered)
  })
  yield* Effect.forkScoped(Effect.forever(recover))

  return Object.assign(state, {
    store,
    provider,
    admit: (entry) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        entries.add(entry)
        state.index.update(entry, now)
        wake.openUnsafe()
      }),
    change: Effect.fnUntraced(function* (entry, f, urgent) {
      const before = entry.health
      entry.health = f(before)
      if (entry.stored) unsaved.add(entry)
      state.index.update(entry, yield* Clock.currentTimeMillis)
      if (before.disabled !== entry.health.disabled || before.cooldown !== entry.health.cooldown) {
        wake.openUnsafe()
        yield* sweep(state, "everyone")
      }
      yield* PubSub.publish(changes, entry.credential.id)
      if (urgent) yield* save
    }, Effect.uninterruptible),
    accepted: (entry) => {
      const now = clock.currentTimeMillisUnsafe()
      if (!isHalfOpen(entry, now)) return
      entry.health = { ...entry.health, cooldown: null }
      entry.probing = false
      if (entry.stored) unsaved.add(entry)
      state.index.update(entry, now)
      wake.openUnsafe()
    },
    pause: (upstream, until) => {
      state.index.pause(upstream, until)
      wake.openUnsafe()
    },
    changes
  } satisfies Omit<PoolCore, keyof PoolState>)
})
