/**
 * CredentialPool: which credential serves a request, and the permit to use it.
 *
 * A lease belongs to a Scope: it holds one permit of its credential and one of the gateway from selection until the
 * scope closes. Whatever ends a request, its permits are free again.
 */
import { Clock, Context, DateTime, Effect, Exit, Layer, Scope, Stream } from "effect"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { Credential } from "../message/Credential.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import type { StorageError } from "../message/StorageError.ts"
import { forLog } from "../telemetry/Redaction.ts"
import type { RefreshFailure } from "../upstream/RefreshFailure.ts"
import { UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { CredentialPoolError } from "./CredentialPoolError.ts"
import { CredentialStore } from "./CredentialStore.ts"
import * as PoolCore from "./PoolCore.ts"
import { makeEntry, type PoolEntry } from "./PoolEntry.ts"
import * as PoolLeases from "./PoolLeases.ts"
import * as PoolOperations from "./PoolOperations.ts"
import * as PoolReports from "./PoolReports.ts"
import type { Need } from "./Selection.ts"
import * as SingleFlight from "./SingleFlight.ts"
import * as TokenRefresh from "./TokenRefresh.ts"

/** What the pool starts with beside the store. */
export interface CredentialPoolOptions {
  /** Used like any other, and never written anywhere. */
  readonly ephemeral: ReadonlyArray<Credential>
}

export class CredentialPool extends Context.Service<
  CredentialPool,
  {
    /** A credential, a permit to use it and a token that is good now. Waits where the settings say so. */
    readonly lease: (need: Need) => Effect.Effect<Lease, CredentialPoolError, Scope.Scope>
    /** Whether anyone could serve it, now or once a permit is free. */
    readonly canServe: (need: Need) => Effect.Effect<boolean>
    /** What an attempt with this lease came to. To be called once for each attempt. */
    readonly report: (lease: Lease, outcome: PoolReports.Outcome) => Effect.Effect<void>
    /** Whether the lease's credential has, or now got, another token than the one the upstream rejected. */
    readonly replaceToken: (lease: Lease) => Effect.Effect<boolean>
    readonly snapshot: Effect.Effect<PoolOperations.PoolSnapshot>
    /** Ids of credentials that changed; a slow listener loses the oldest. */
    readonly changes: Stream.Stream<CredentialId>
    readonly operations: PoolOperations.PoolOperations
  }
>()("weir/credential/CredentialPool") {
  /** The pool over its store, without credentials of the environment. */
  static readonly layer: Layer.Layer<
    CredentialPool,
    StorageError,
    CredentialStore | UpstreamProvider | RuntimeSettings
  > = Layer.suspend(() => CredentialPool.layerWith({ ephemeral: [] }))

  static readonly layerWith = (
    options: CredentialPoolOptions
  ): Layer.Layer<CredentialPool, StorageError, CredentialStore | UpstreamProvider | RuntimeSettings> =>
    Layer.effect(CredentialPool, make(options))
}

const make = Effect.fnUntraced(function* (options: CredentialPoolOptions) {
  const settings = yield* RuntimeSettings
  const store = yield* CredentialStore
  const provider = yield* UpstreamProvider
  const core = yield* PoolCore.make(settings, store, provider)
  const limit = settings.current().pool.maxInflightPerCredential
  for (const { credential, health } of yield* store.load) yield* core.admit(makeEntry(credential, health, limit, true))
  for (const credential of options.ephemeral) yield* core.admit(PoolOperations.ephemeral(credential, limit))
  yield* settings.changes.pipe(
    Stream.runForEach(() => PoolLeases.resize(core)),
    Effect.forkScoped
  )

  const tokens = yield* TokenRefresh.make({
    refresh: provider.refresh,
    store: (entry, refreshed) => (entry.stored ? store.saveTokens(entry.credential.id, refreshed) : Effect.void),
    report: (entry, failure) => PoolReports.reportRefresh(core, entry, failure)
  })
  const profileOnce = yield* SingleFlight.make<CredentialId, void, never>()

  const lease = Effect.fnUntraced(function* (need: Need) {
    const { because, entry } = yield* PoolLeases.hold(core, need)
    const token = yield* Effect.mapError(tokens.token(entry), (failure) => noToken(entry, failure))
    if (entry.profileDueAt !== null && entry.profileDueAt <= (yield* Clock.currentTimeMillis)) {
      const asking = { credential: entry.credential, token, because }
      yield* profileOnce(entry.credential.id, lookUpProfile(core, entry, asking))
    }
    return { credential: entry.credential, token, because }
  }, ownScope)

  return CredentialPool.of({
    lease,
    canServe: (need) => Effect.map(DateTime.now, (now) => PoolLeases.canServe(core, need, now)),
    report: (lease, outcome) => {
      const entry = core.entries.get(lease.credential.id)
      return entry === undefined ? Effect.void : PoolReports.report(core, entry, outcome)
    },
    replaceToken: (lease) => {
      const entry = core.entries.get(lease.credential.id)
      return entry === undefined
        ? Effect.succeed(false)
        : Effect.match(tokens.replace(entry, lease.token), { onSuccess: () => true, onFailure: () => false })
    },
    snapshot: PoolOperations.snapshot(core),
    changes: Stream.fromPubSub(core.changes),
    operations: PoolOperations.make(core, tokens)
  })
})

/** What was acquired outlives the effect only where it succeeds: a lease that is not given holds no permit. */
const ownScope = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.scope, (outer) =>
      Effect.flatMap(Scope.fork(outer), (scope) =>
        restore(Scope.provide(effect, scope)).pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))))
      )
    )
  )

const noToken = (entry: PoolEntry, failure: RefreshFailure) =>
  new CredentialPoolError({
    reason: { _tag: "NoToken", credentialId: entry.credential.id, transient: failure.kind === "unavailable" }
  })

/** From a look-up that failed to the next. Milliseconds. */
const profileRetryMs = 60_000

/** An account without a profile has none the next time either; a look-up that failed is made again, not at once. */
const lookUpProfile = (core: PoolCore.PoolCore, entry: PoolEntry, lease: Lease): Effect.Effect<void> =>
  core.provider.discoverProfile(lease).pipe(
    Effect.tap((profileArn) => {
      entry.profileDueAt = null
      if (profileArn === null) return Effect.void
      entry.credential = { ...entry.credential, profileArn }
      return entry.stored ? core.store.update(entry.credential.id, { profileArn }) : Effect.void
    }),
    Effect.catch((error) =>
      Effect.logWarning(
        `Credential ${entry.credential.id}: its profile could not be looked up: ${forLog(error.message)}`
      ).pipe(
        Effect.andThen(Clock.currentTimeMillis),
        Effect.map((now) => {
          entry.profileDueAt = entry.profileDueAt === null ? null : now + profileRetryMs
        })
      )
    )
  )
