/**
 * PoolCore: what the parts of the pool share: the entries, the queue of waiters, and how changes become known and stored.
 */
import { DateTime, Effect, PubSub, Schedule, type Scope, Semaphore } from "effect"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"
import type { UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import type { CredentialStore, Health } from "./CredentialStore.ts"
import { type Candidate } from "./Selection.ts"
import { candidate, permitsOf, PoolEntries, type PoolEntry } from "./PoolEntry.ts"
import { PermitQueue } from "./PermitQueue.ts"

export interface PoolCore {
  readonly entries: PoolEntries
  readonly queue: PermitQueue
  readonly settings: RuntimeSettings["Service"]
  readonly store: CredentialStore["Service"]
  readonly provider: UpstreamProvider["Service"]
  /** The whole gateway's permits (`pool.maxInflight`). */
  readonly gateway: Semaphore.Semaphore
  /** What `gateway` was last sized to. */
  limit: number
  /** Live leases; the same as permits outstanding. */
  outstanding: number
  /** Every entry as selection sees it now, in order of preference. */
  readonly candidates: (now: DateTime.Utc) => Iterable<Candidate>
  /** Replaces an entry's health, stores it and lets waiters and listeners know. `urgent`: stored at once. */
  readonly change: (entry: PoolEntry, health: Health, urgent: boolean) => Effect.Effect<void>
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
  const entries = new PoolEntries()
  const queue = new PermitQueue()
  const changes = yield* PubSub.sliding<CredentialId>(listenerBuffer)
  // Bounded by the number of credentials.
  const unsaved = new Set<PoolEntry>()

  const save = Effect.suspend(() => {
    const batch = [...unsaved].filter((entry) => entry.stored && entries.get(entry.credential.id) === entry)
    unsaved.clear()
    return Effect.forEach(batch, (entry) => store.saveHealth(entry.credential.id, entry.health), {
      discard: true
    }).pipe(
      Effect.catchTag("StorageError", (error: StorageError) =>
        Effect.logError("The health of credentials could not be stored", error)
      )
    )
  })
  yield* Effect.forkScoped(Effect.repeat(save, leisurely))
  yield* Effect.addFinalizer(() => save)

  const limit = permitsOf(settings.current().pool.maxInflight)
  const core: PoolCore = {
    entries,
    queue,
    settings,
    store,
    provider,
    gateway: Semaphore.makeUnsafe(limit),
    limit,
    outstanding: 0,
    candidates: function* (now) {
      const gatewayFull = core.outstanding >= core.limit
      for (const entry of entries) yield candidate(entry, gatewayFull, now)
    },
    change: (entry, health, urgent) => {
      entry.health = health
      unsaved.add(entry)
      queue.wake()
      return Effect.andThen(PubSub.publish(changes, entry.credential.id), urgent ? save : Effect.void)
    },
    changes
  }
  return core
})
