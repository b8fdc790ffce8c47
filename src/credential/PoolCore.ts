/**
 * PoolCore: what the parts of the pool share: its state, and how changes of it become known and stored.
 */
import { DateTime, Effect, FiberMap, PubSub, Schedule, type Scope, Semaphore } from "effect"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import type { CredentialStore, Health } from "./CredentialStore.ts"
import { type PoolEntry, restsUntil } from "./PoolEntry.ts"
import { sweep } from "./PoolLeases.ts"
import { PoolState } from "./PoolState.ts"

export interface PoolCore extends PoolState {
  readonly store: CredentialStore["Service"]
  readonly provider: UpstreamProvider["Service"]
  /** Takes a credential into the pool, and looks at those who wait once its rest is over. */
  readonly admit: (entry: PoolEntry) => Effect.Effect<void>
  /**
   * Changes an entry's health as it is at that moment, stores it, and lets waiters and listeners know; not interrupted
   * half-way. `urgent`: stored when it returns, if storage works; what could not be stored is tried again.
   */
  readonly change: (entry: PoolEntry, f: (health: Health) => Health, urgent: boolean) => Effect.Effect<void>
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

  // One timer for each credential that rests.
  const resting = yield* FiberMap.make<CredentialId>()
  const begin = yield* FiberMap.runtime(resting)()
  const recovery = Effect.fnUntraced(function* (entry: PoolEntry) {
    for (;;) {
      const now = yield* DateTime.now
      const rest = restsUntil(entry.health, now)
      if (rest === null) break
      yield* Effect.sleep(DateTime.distance(now, rest))
    }
    yield* sweep(state, "free permits")
    yield* PubSub.publish(changes, entry.credential.id)
  })
  const watch = (entry: PoolEntry, now: DateTime.Utc) => {
    if (restsUntil(entry.health, now) !== null) begin(entry.credential.id, recovery(entry))
  }

  return Object.assign(state, {
    store,
    provider,
    admit: (entry) =>
      Effect.map(DateTime.now, (now) => {
        entries.add(entry)
        watch(entry, now)
      }),
    change: Effect.fnUntraced(function* (entry, f, urgent) {
      const now = yield* DateTime.now
      const before = entry.health
      entry.health = f(before)
      if (entry.stored) unsaved.add(entry)
      if (before.disabled !== entry.health.disabled || before.cooldown !== entry.health.cooldown) {
        watch(entry, now)
        yield* sweep(state, "everyone")
      }
      yield* PubSub.publish(changes, entry.credential.id)
      if (urgent) yield* save
    }, Effect.uninterruptible),
    changes
  } satisfies Omit<PoolCore, keyof PoolState>)
})
