/**
 * CredentialPool: which credential serves a request, and the permit to use it.
 *
 * A lease belongs to a Scope: it holds one permit of its credential and one of the gateway from selection until the
 * scope closes. Whatever ends a request, its permits are free again.
 */
import { Clock, Context, DateTime, Effect, Exit, identity, Layer, Scope, Stream } from "effect"
import { egressOf } from "../config/EgressChoice.ts"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { Credential } from "../message/Credential.ts"
import type { Egress } from "../message/Egress.ts"
import type { CredentialId, UpstreamId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import { noCounts, type Why } from "../message/Why.ts"
import { type RateLimits, rateLimits } from "../message/RateLimits.ts"
import type { StorageError } from "../message/StorageError.ts"
import { forLog } from "../telemetry/Redaction.ts"
import { RefreshFailure } from "../upstream/RefreshFailure.ts"
import { failure } from "../upstream/UpstreamFailure.ts"
import { type UpstreamModel, UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import * as Balances from "./Balances.ts"
import * as Cooldown from "./Cooldown.ts"
import { CredentialPoolError } from "./CredentialPoolError.ts"
import { CredentialStore } from "./CredentialStore.ts"
import { type Explanation, explain } from "./Explain.ts"
import * as ModelLists from "./ModelLists.ts"
import * as PoolCore from "./PoolCore.ts"
import { isDisabled, makeEntry, type PoolEntry } from "./PoolEntry.ts"
import * as PoolLeases from "./PoolLeases.ts"
import * as PoolMetrics from "./PoolMetrics.ts"
import * as PoolOperations from "./PoolOperations.ts"
import * as PoolReports from "./PoolReports.ts"
import type { Held } from "./PoolState.ts"
import { type Need, reasonsAgainst } from "./Eligibility.ts"
import { byCapacity } from "./Survey.ts"
import * as SingleFlight from "./SingleFlight.ts"
import * as TokenRefresh from "./TokenRefresh.ts"

/** What the pool starts with beside the store. */
export interface CredentialPoolOptions {
  /** Used like any other, and never written anywhere. */
  readonly ephemeral: ReadonlyArray<Credential>
  /** The gateway's own proxy, for credentials that have none and whose group has none to say. */
  readonly proxy: Egress | null
}

export { anyNeed } from "./Eligibility.ts"

export class CredentialPool extends Context.Service<
  CredentialPool,
  {
    /**
     * A credential, a permit to use it and a token that is good now. Waits where the settings say so.
     *
     * @param held called when the permit is there; tells how many milliseconds the rest may take
     */
    readonly lease: (need: Need, held?: () => number) => Effect.Effect<Lease, CredentialPoolError, Scope.Scope>
    /** Whether anyone could serve it, now or once a permit is free. */
    readonly canServe: (need: Need) => Effect.Effect<boolean>
    /**
     * The upstream has begun to answer. Synchronous, for the hot path: after a rest it opens the credential to others.
     */
    readonly accepted: (lease: Lease) => void
    /**
     * The upstream has told of the account's limits. Synchronous, for the hot path. Of at most sixteen limits; kept in
     * memory only. A limit that is used up rests the credential until its reset, at most `cooldown.maxRetryAfter`.
     */
    readonly told: (lease: Lease, limits: RateLimits) => void
    /** What an attempt with this lease came to. To be called once for each attempt. */
    readonly report: (lease: Lease, outcome: PoolReports.Outcome) => Effect.Effect<void>
    /** An attempt came to nothing because the credential's access could not be renewed now. */
    readonly withoutToken: (
      id: CredentialId,
      outcome: { readonly need: Need; readonly mayRetrySame: boolean }
    ) => Effect.Effect<void>
    /** The same lease with another token than the one the upstream rejected. */
    readonly replaceToken: (lease: Lease) => Effect.Effect<Lease, RefreshFailure>
    /** Who would serve and why, and what speaks against each of the others. Changes nothing. */
    readonly explain: (need: Need) => Effect.Effect<Explanation>
    /** The upstreams that credentials belong to. */
    readonly upstreams: () => ReadonlyArray<UpstreamId>
    /** Every model that some credential lists; empty while none is known. Waits for lists that are being fetched. */
    readonly models: Effect.Effect<ReadonlyArray<UpstreamModel>>
    /** The same as far as it is known now. */
    readonly knownModels: () => ReadonlyArray<UpstreamModel>
    readonly knownModel: (id: string) => UpstreamModel | undefined
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
  > = Layer.suspend(() => CredentialPool.layerWith({ ephemeral: [], proxy: null }))

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
  yield* PoolMetrics.exportState(core)
  const { cooldown, pool } = settings.current()
  const started = yield* DateTime.now
  for (const { credential, health } of yield* store.load) {
    const remembered = Cooldown.afterRestart(health, started, cooldown)
    yield* core.admit(makeEntry(credential, remembered, pool.maxInflightPerCredential, true))
  }
  for (const credential of options.ephemeral)
    yield* core.admit(PoolOperations.ephemeral(credential, pool.maxInflightPerCredential))
  yield* settings.changes.pipe(
    Stream.runForEach(() => PoolLeases.resize(core)),
    Effect.forkScoped
  )

  const egress = (credential: Credential) => egressOf(credential, settings.current().groups, options.proxy).egress
  const tokens = yield* TokenRefresh.make({
    refresh: (credential) => provider.refresh(credential, egress(credential)),
    store: (entry, refreshed) => (entry.stored ? store.saveTokens(entry.credential.id, refreshed) : Effect.void),
    report: (entry, failure) => PoolReports.reportRefresh(core, entry, failure)
  })
  yield* Effect.forkScoped(TokenRefresh.keepFresh(tokens, core.entries))
  const profileOnce = yield* SingleFlight.make<CredentialId, void, never>()
  const lists = yield* ModelLists.make(core)
  const balances = yield* Balances.make(core)
  /** What was held for a lease: what is said of it finds its entry also after the credential was replaced. */
  const leases = new WeakMap<Lease, Held>()

  const lease = Effect.fnUntraced(function* (need: Need, held: () => number = () => Infinity) {
    const granted = yield* PoolLeases.hold(core, need)
    const { entry, why } = granted
    const patience = held()
    const token = yield* tokens.token(entry).pipe(
      TokenRefresh.isFresh(entry, yield* Clock.currentTimeMillis)
        ? identity
        : Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(tokenTakesLong) }),
      Effect.mapError((failure) => noToken(granted, failure))
    )
    const now = yield* Clock.currentTimeMillis
    if (entry.profileDueAt !== null && entry.profileDueAt <= now) {
      const asking = { credential: entry.credential, token, egress: egress(entry.credential), why }
      const found = profileOnce(entry.credential.id, lookUpProfile(core, entry, asking))
      yield* Effect.timeoutOption(found, Math.min(profilePatienceMs, patience))
    }
    const lease: Lease = { credential: entry.credential, token, egress: egress(entry.credential), why }
    leases.set(lease, granted)
    if (entry.modelsDueAt <= now) yield* lists.ask(entry, lease)
    return lease
  }, ownScope)

  /** For calls beside the requests, which take no permit. */
  const aside = (entry: PoolEntry) =>
    Effect.map(tokens.token(entry), (token): Lease => ({
      credential: entry.credential,
      token,
      egress: egress(entry.credential),
      why: beside
    }))
  const ask = (entry: PoolEntry) =>
    aside(entry).pipe(
      Effect.flatMap((lease) => lists.ask(entry, lease)),
      Effect.ignore
    )
  const enabled = Effect.map(DateTime.now, (now) => [...core.entries].filter(({ health }) => !isDisabled(health, now)))
  // Lists of those that are likely to serve first, as long as that takes no refresh of a token.
  const now = DateTime.toEpochMillis(started)
  for (const entry of (yield* enabled).slice(0, listedAtStart)) if (TokenRefresh.isFresh(entry, now)) yield* ask(entry)

  return CredentialPool.of({
    lease,
    canServe: (need) => Effect.map(Clock.currentTimeMillis, (now) => PoolLeases.canServe(core, need, now)),
    accepted: (lease) => {
      const granted = leases.get(lease)
      if (granted !== undefined) core.accepted(granted)
    },
    told: (lease, limits) => {
      const granted = leases.get(lease)
      if (granted === undefined || core.entries.get(lease.credential.id) !== granted.entry) return
      core.told(granted, rateLimits(limits))
    },
    report: (lease, outcome) => {
      const granted = leases.get(lease)
      if (granted === undefined || core.entries.get(lease.credential.id) !== granted.entry) return Effect.void
      const proxied = lease.egress.kind === "proxy"
      const reported = PoolReports.report(core, granted, outcome.kind === "success" ? outcome : { ...outcome, proxied })
      return outcome.kind === "failure" && outcome.reason.kind === "quota_exceeded"
        ? Effect.andThen(reported, balances.quotaUsedUp(granted.entry, aside(granted.entry)))
        : reported
    },
    withoutToken: Effect.fnUntraced(function* (id, outcome) {
      const entry = core.entries.get(id)
      const reason = failure("network", "credential", "its access could not be renewed").reason
      if (entry !== undefined) {
        const reported = { entry, model: outcome.need.model, turn: core.nextTurn() }
        yield* PoolReports.report(core, reported, { kind: "failure", reason, ...outcome })
      }
    }),
    replaceToken: (lease) => {
      const granted = leases.get(lease)
      if (granted === undefined) return Effect.fail(goneCredential)
      return Effect.map(tokens.replace(granted.entry, lease.token), (token) => {
        const renewed: Lease = { ...lease, credential: granted.entry.credential, token }
        leases.set(renewed, granted)
        return renewed
      })
    },
    explain: (need) => Effect.map(Clock.currentTimeMillis, (now) => explainNow(core, need, now)),
    upstreams: () => core.index.upstreams,
    models: Effect.gen(function* () {
      yield* Effect.forEach((yield* enabled).slice(0, listedAtOnce), ask, { concurrency: "unbounded", discard: true })
      if (lists.known().length === 0) yield* lists.settled
      return lists.known()
    }),
    knownModels: lists.known,
    knownModel: lists.find,
    snapshot: PoolOperations.snapshot(core, options.proxy),
    changes: Stream.fromPubSub(core.changes),
    operations: PoolOperations.make(core, tokens, {
      balanceOf: (entry) => Effect.flatMap(aside(entry), (lease) => balances.of(entry, lease)),
      list: (entry) => Effect.flatMap(aside(entry), provider.listModels)
    })
  })
})

/** Credentials whose models are listed when the pool starts, and those that are asked where nothing is known. */
const listedAtStart = 64
const listedAtOnce = 4

/** Of a call that no choice was made for. */
const beside: Why = {
  because: "a question about the credential itself",
  counts: noCounts(),
  credentials: []
}

const explainNow = (core: PoolCore.PoolCore, need: Need, now: number): Explanation => {
  const { index, limit, outstanding } = core
  core.advance(now)
  const known = index.knowledge(need.model)
  const gatewayFull = outstanding >= limit
  const asked = need.upstreams === null ? null : byCapacity(need.upstreams, core.lacks(need, now))
  return explain(index.inOrder(), asked, core.choose(need, now), (entry) =>
    reasonsAgainst(entry, need, {
      now,
      known,
      gatewayFull,
      pausedUntil: index.pausedUntil(entry.credential.upstream)
    })
  )
}

/** What was acquired outlives the effect only where it succeeds: a lease that is not given holds no permit. */
const ownScope = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.scope, (outer) =>
      Effect.flatMap(Scope.fork(outer), (scope) =>
        restore(Scope.provide(effect, scope)).pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))))
      )
    )
  )

const noToken = ({ entry: { credential }, why }: Held, failure: RefreshFailure) =>
  new CredentialPoolError({
    reason: {
      _tag: "NoToken",
      credentialId: credential.id,
      upstream: credential.upstream,
      why,
      transient: failure.kind === "unavailable"
    }
  })

const goneCredential = new RefreshFailure({ kind: "refused", status: null, detail: "the credential is gone" })

const tokenTakesLong = new RefreshFailure({
  kind: "unavailable",
  status: null,
  detail: "the refresh took longer than the request may take"
})

/** From a look-up that failed to the next. Milliseconds. */
const profileRetryMs = 60_000
/** A request waits no longer than this for a profile, and goes on without one. Milliseconds. */
const profilePatienceMs = 3_000

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
