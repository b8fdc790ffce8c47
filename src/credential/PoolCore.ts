/**
 * PoolCore: what the parts of the pool share: its state, and how changes of it become known and stored.
 */
import { Clock, DateTime, Effect, Latch, PubSub, Schedule, type Scope, Semaphore } from "effect"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CredentialId, UpstreamId } from "../message/Ids.ts"
import { type RateLimits, scarceUntil, usedUpUntil } from "../message/RateLimits.ts"
import type { UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import * as Cooldown from "./Cooldown.ts"
import { type CredentialStore, type Health, isCooling } from "./CredentialStore.ts"
import { isHalfOpen, type PoolEntry } from "./PoolEntry.ts"
import { atomic, sweep } from "./PoolLeases.ts"
import { type Held, PoolState } from "./PoolState.ts"

export interface PoolCore extends PoolState {
  readonly store: CredentialStore["Service"]
  readonly provider: UpstreamProvider["Service"]
  /** Takes a credential into the pool. */
  readonly admit: (entry: PoolEntry) => Effect.Effect<void>
  /**
   * Changes entries in one step, and lets waiters and listeners know; `mutate` changes them in place. What the index reads
   * of an entry is changed here and in `PoolLeases` only.
   */
  readonly alter: (entries: ReadonlyArray<PoolEntry>, mutate: (entry: PoolEntry) => void) => Effect.Effect<void>
  /**
   * Changes an entry's health as it is at that moment and stores it. `urgent`: stored when it returns, if storage works;
   * what could not be stored is tried again.
   */
  readonly change: (entry: PoolEntry, f: (health: Health) => Health, urgent: boolean) => Effect.Effect<void>
  /** The same for several in one step: nobody sees some of them changed and others not. */
  readonly changeAll: (
    entries: ReadonlyArray<PoolEntry>,
    f: (health: Health, entry: PoolEntry) => Health,
    urgent: boolean
  ) => Effect.Effect<void>
  /** An upstream has begun to answer a lease: after a rest its credential serves again, for everybody. */
  readonly accepted: (held: Held) => void
  /**
   * An upstream has told of a credential's limits. One that is used up rests it until there is more; the rest is stored
   * within a second.
   */
  readonly told: (held: Held, limits: RateLimits) => void
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

  /** Not one that was removed, or never added. */
  const isHere = (entry: PoolEntry) => entries.get(entry.credential.id) === entry

  // Bounded by the number of credentials.
  const unsaved = new Set<PoolEntry>()
  const writer = yield* Semaphore.make(1)
  const save = Effect.suspend(() => {
    const batch = [...unsaved].filter(isHere)
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
    state.advance(yield* Clock.currentTimeMillis)
    yield* sweep(state, "everyone")
    const recovered = [...state.recovered]
    state.recovered.clear()
    yield* PubSub.publishAll(changes, recovered)
  })
  yield* Effect.forkScoped(Effect.forever(recover))

  /** What the index reads changes, and the index notices, in one turn of the event loop. */
  const alter: PoolCore["alter"] = (changed, mutate) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const entry of changed) {
        mutate(entry)
        if (isHere(entry)) state.index.update(entry, now)
      }
      wake.openUnsafe()
      yield* sweep(state, "everyone")
      yield* PubSub.publishAll(
        changes,
        changed.filter(isHere).map(({ credential }) => credential.id)
      )
    }).pipe(atomic)

  const changeAll: PoolCore["changeAll"] = (changed, f, urgent) =>
    alter(changed, (entry) => {
      entry.health = f(entry.health, entry)
      if (entry.stored) unsaved.add(entry)
    }).pipe(Effect.andThen(urgent ? save : Effect.void), Effect.uninterruptible)

  return Object.assign(state, {
    store,
    provider,
    alter,
    changeAll,
    change: (entry, f, urgent) => changeAll([entry], f, urgent),
    admit: (entry) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        entries.add(entry)
        state.index.update(entry, now)
        wake.openUnsafe()
      }),
    accepted: ({ entry, probe, since }) => {
      state.pauses.answered(entry.credential.upstream, since)
      if (probe === null || entry.probing !== probe || !isHere(entry)) return
      const now = clock.currentTimeMillisUnsafe()
      entry.probing = null
      if (isHalfOpen(entry, now)) {
        entry.health = { ...entry.health, cooldown: null }
        if (entry.stored) unsaved.add(entry)
      }
      state.index.update(entry, now)
      state.recovered.add(entry.credential.id)
      wake.openUnsafe()
    },
    told: ({ entry }, limits) => {
      if (limits.size === 0) return
      const now = clock.currentTimeMillisUnsafe()
      const usedUp = usedUpUntil(limits, now)
      const context = { now: DateTime.makeUnsafe(now), settings: settings.current().cooldown }
      const before = entry.health
      entry.rateLimits = limits
      entry.scarceUntil = scarceUntil(limits, now)
      if (usedUp !== null) {
        entry.health = Cooldown.afterUsedUp(before, usedUp, context)
        if (isCooling(entry.health.cooldown, context.now)) entry.usedUpTurn = state.nextTurn()
      }
      state.index.update(entry, now)
      if (entry.health === before) return
      if (entry.stored) unsaved.add(entry)
      state.recovered.add(entry.credential.id)
      // Only now: who wakes may look at once.
      wake.openUnsafe()
    },
    pause: (upstream, until) => {
      state.index.pause(upstream, until)
      wake.openUnsafe()
    },
    changes
  } satisfies Omit<PoolCore, keyof PoolState>)
})
