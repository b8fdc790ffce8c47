/**
 * ModelLists: which models each credential may use, as its upstream lists them.
 *
 * Lists are fetched beside the requests, without a permit, at most a few at a time; until a credential's list is known it
 * may be tried for anything. A list is good for ten minutes of use.
 */
import { Clock, Effect, FiberMap, type Scope, Semaphore } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import { forLog } from "../telemetry/Redaction.ts"
import type { UpstreamModel } from "../upstream/UpstreamProvider.ts"
import type { PoolCore } from "./PoolCore.ts"
import type { PoolEntry } from "./PoolEntry.ts"

/** How long a list is good for. Milliseconds. */
const lifetimeMs = 10 * 60_000
/** From a failure to the next try. Milliseconds. */
const retryMs = 60_000
/** Longest fetch. */
const fetchTimeout = "30 seconds"
/** Fetches at a time. */
const atATime = 4

export interface ModelLists {
  /** Fetches the credential's list in the background, where it is old and not being fetched. */
  readonly ask: (entry: PoolEntry, lease: Lease) => Effect.Effect<void>
  /** Every model that some credential lists; empty while none is known. */
  readonly known: () => ReadonlyArray<UpstreamModel>
  /** One of them by its id. */
  readonly find: (id: string) => UpstreamModel | undefined
  /** Returns when no list is being fetched any more. */
  readonly settled: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (core: PoolCore): Effect.fn.Return<ModelLists, never, Scope.Scope> {
  const running = yield* FiberMap.make<CredentialId, void, never>()
  const permits = yield* Semaphore.make(atATime)
  // Bounded by the models that credentials list.
  const seen = new Map<string, UpstreamModel>()

  const fetch = (entry: PoolEntry, lease: Lease) =>
    core.provider.listModels(lease).pipe(
      Effect.timeout(fetchTimeout),
      Effect.flatMap((models) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          entry.modelsDueAt = now + lifetimeMs
          for (const model of models) seen.set(model.id, model)
          return Effect.map(
            core.alter([entry], (altered) => {
              // A list that says nothing is not known.
              altered.models = models.length === 0 ? null : new Set(models.map(({ id }) => id))
            }),
            () => {
              for (const id of seen.keys()) if (!core.index.isListed(id)) seen.delete(id)
            }
          )
        })
      ),
      Effect.catch((error) =>
        Effect.logDebug(`Credential ${entry.credential.id}: its models could not be listed: ${forLog(error.message)}`)
      ),
      permits.withPermit
    )

  return {
    ask: (entry, lease) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now < entry.modelsDueAt) return Effect.void
        entry.modelsDueAt = now + retryMs
        return Effect.asVoid(
          FiberMap.run(running, entry.credential.id, fetch(entry, lease), {
            onlyIfMissing: true,
            startImmediately: false
          })
        )
      }),
    known: () => [...seen.values()],
    find: (id) => seen.get(id),
    settled: FiberMap.awaitEmpty(running)
  }
})
