/**
 * PoolOperations: what an operator sees of the pool and may change in it.
 */
import { DateTime, Effect, PubSub, Schema } from "effect"
import { egressOf, type ProxySource } from "../config/EgressChoice.ts"
import { type Credential, isSignedIn } from "../message/Credential.ts"
import type { Egress } from "../message/Egress.ts"
import type { CredentialId, GroupId } from "../message/Ids.ts"
import type { RateLimits } from "../message/RateLimits.ts"
import type { StorageError } from "../message/StorageError.ts"
import type { RefreshFailure } from "../upstream/RefreshFailure.ts"
import type { UpstreamFailure } from "../upstream/UpstreamFailure.ts"
import type { Balance } from "../upstream/UpstreamProvider.ts"
import { type Health, type ImportedCredential, isCooling, untouched } from "./CredentialStore.ts"
import type { PoolCore } from "./PoolCore.ts"
import { isDisabled, makeEntry, type PoolEntry, permitsOf } from "./PoolEntry.ts"
import { sweep } from "./PoolLeases.ts"
import type { TokenRefresh } from "./TokenRefresh.ts"
import { type VerificationOptions, type Verified, verify } from "./Verification.ts"

/** No credential has this id. */
export class UnknownCredential extends Schema.TaggedError<UnknownCredential>()("UnknownCredential", {
  id: Schema.String
}) {}

/** A key has nothing to refresh. */
export class NotRefreshable extends Schema.TaggedError<NotRefreshable>()("NotRefreshable", {
  id: Schema.String
}) {}

/** Only a disabled credential may be removed. */
export class NotDisabled extends Schema.TaggedError<NotDisabled>()("NotDisabled", {
  id: Schema.String
}) {}

/** One credential at one moment; holds no secret. */
export interface CredentialStatus {
  readonly id: CredentialId
  readonly credential: Pick<Credential, "kind" | "upstream" | "label" | "email" | "priority" | "group" | "subscription">
  /** Without a cooldown or a time of being disabled that is over. */
  readonly health: Health
  readonly disabled: boolean
  readonly cooling: boolean
  readonly outstanding: number
  /** Requests that it serves without a permit. */
  readonly borrowed: number
  /** Null: no limit. */
  readonly limit: number | null
  readonly expiresAt: DateTime.Utc | null
  readonly proxySource: ProxySource
  /** As its upstream told them last; null where it has told nothing since the start. */
  readonly rateLimits: RateLimits | null
}

/** The pool at one moment. */
export interface PoolSnapshot {
  readonly credentials: ReadonlyArray<CredentialStatus>
  /** Enabled, not cooling. */
  readonly available: number
  /** The one that a new request would get first, permits aside. */
  readonly currentId: CredentialId | null
  readonly outstanding: number
  readonly queued: number
}

/** Figures of an account's plan, as far as they can be had. */
export type BalanceOf = (entry: PoolEntry) => Effect.Effect<Balance, UpstreamFailure | RefreshFailure>

export interface PoolOperations {
  /** The id of the credential that came with a secret of this fingerprint, or null. */
  readonly find: (fingerprint: string) => Effect.Effect<CredentialId | null, StorageError>
  /** Whether one that is not in the pool would serve. */
  readonly verify: (credential: Credential) => Effect.Effect<Verified>
  /** Adds it, or tells under which id it is there already. @param health what is known of it; default: nothing */
  readonly add: (
    imported: ImportedCredential,
    health?: Health
  ) => Effect.Effect<{ readonly status: "added" | "duplicate"; readonly id: CredentialId }, StorageError>
  /** Enabling also forgets failures, cooldown and the reason why it was disabled. */
  readonly setDisabled: (id: CredentialId, disabled: boolean) => Effect.Effect<void, UnknownCredential>
  readonly setPriority: (id: CredentialId, priority: number) => Effect.Effect<void, UnknownCredential | StorageError>
  /**
   * Removes a disabled one for good. Requests that it serves now may end. One of a configured file stays away until its
   * entry there changes or somebody adds it; one of the environment is back at the next start.
   */
  readonly remove: (id: CredentialId) => Effect.Effect<void, UnknownCredential | NotDisabled | StorageError>
  /** Puts it into a group, or, with null, into none. */
  readonly setGroup: (id: CredentialId, group: GroupId | null) => Effect.Effect<void, UnknownCredential | StorageError>
  /** Takes all members out of a group. */
  readonly leaveGroup: (group: string) => Effect.Effect<void, StorageError>
  /** Forgets failures and cooldown, and enables. */
  readonly reset: (id: CredentialId) => Effect.Effect<void, UnknownCredential>
  /** What is left of its plan, at most five minutes old. */
  readonly balance: (id: CredentialId) => Effect.Effect<Balance, UnknownCredential | UpstreamFailure | RefreshFailure>
  readonly refresh: (id: CredentialId) => Effect.Effect<void, UnknownCredential | NotRefreshable | RefreshFailure>
}

/** A credential that is used like any other and never written anywhere. */
export const ephemeral = (credential: Credential, limit: number): PoolEntry =>
  makeEntry(credential, untouched, limit, false)

/** The id of the upstream that stands in while there is no credential; no operator's business. */
const sandbox = "sandbox"

/** @param proxy the gateway's own, or null */
export const snapshot = (core: PoolCore, proxy: Egress | null): Effect.Effect<PoolSnapshot> =>
  Effect.map(DateTime.now, (now) => {
    const { groups } = core.settings.current()
    core.advance(DateTime.toEpochMillis(now))
    const shown = [...core.entries].filter((entry) => entry.credential.upstream !== sandbox)
    const credentials = shown.map((entry) => ({
      ...statusOf(entry, now),
      proxySource: egressOf(entry.credential, groups, proxy).source
    }))
    return {
      credentials,
      available: credentials.filter(
        ({ cooling, credential, disabled }) =>
          !disabled && !cooling && core.index.pausedUntil(credential.upstream) === null
      ).length,
      currentId: shown.find((entry) => entry === core.index.preferred)?.credential.id ?? null,
      outstanding: core.outstanding,
      queued: core.queue.length
    }
  })

/** Member by member, so that no secret comes along. */
const statusOf = (
  { borrowed, credential, health, limit, outstanding, rateLimits }: PoolEntry,
  now: DateTime.Utc
): Omit<CredentialStatus, "proxySource"> => {
  const { email, group, id, kind, label, priority, subscription, upstream } = credential
  const disabled = isDisabled(health, now)
  const cooling = isCooling(health.cooldown, now)
  return {
    id,
    credential: { kind, upstream, label, email, priority, group, subscription },
    health: {
      ...health,
      disabled: disabled ? health.disabled : null,
      cooldown: cooling ? health.cooldown : null
    },
    disabled,
    cooling,
    outstanding,
    borrowed,
    limit: limit === permitsOf(0) ? null : limit,
    rateLimits,
    expiresAt: isSignedIn(credential) ? credential.expiresAt : null
  }
}

export const make = (
  core: PoolCore,
  tokens: TokenRefresh,
  { balanceOf, ...verification }: { readonly balanceOf: BalanceOf } & Pick<VerificationOptions, "list">
): PoolOperations => {
  const find = (id: CredentialId): Effect.Effect<PoolEntry, UnknownCredential> => {
    const entry = core.entries.get(id)
    return entry === undefined ? Effect.fail(new UnknownCredential({ id })) : Effect.succeed(entry)
  }
  const reset = (id: CredentialId) =>
    Effect.flatMap(find(id), (entry) => {
      core.index.resume(entry.credential.upstream)
      return core.change(entry, forgiven, true)
    })
  /** Stores what an operator changes of a credential, then changes it. */
  const edit = Effect.fnUntraced(function* (entry: PoolEntry, change: Partial<Pick<Credential, "group" | "priority">>) {
    const { id } = entry.credential
    if (entry.stored) yield* core.store.update(id, change)
    yield* core.alter([entry], (altered) => {
      altered.credential = { ...altered.credential, ...change }
      core.entries.reorder()
    })
  }, Effect.uninterruptible)
  const switchOff = (health: Health): Health => ({ ...health, disabled: { reason: "manual", until: null } })

  return {
    find: (fingerprint) => core.store.find(fingerprint),
    verify: (credential) => verify(credential, { ...verification, tokens }),
    add: Effect.fnUntraced(function* (imported, health = untouched) {
      const added = yield* core.store.add(imported)
      if (added.status === "duplicate") return added
      if (health !== untouched) yield* core.store.saveHealth(added.id, health)
      for (const entry of core.entries) {
        if (entry.credential.upstream !== sandbox) continue
        core.entries.remove(entry.credential.id)
        core.index.remove(entry)
      }
      const limit = core.settings.current().pool.maxInflightPerCredential
      yield* core.admit(makeEntry({ ...imported.credential, id: added.id }, health, limit, true))
      yield* PubSub.publish(core.changes, added.id)
      yield* sweep(core, "everyone")
      return added
    }, Effect.uninterruptible),
    remove: Effect.fnUntraced(function* (id) {
      const entry = yield* find(id)
      if (!isDisabled(entry.health, yield* DateTime.now)) return yield* new NotDisabled({ id })
      if (entry.stored) yield* core.store.remove(id)
      core.entries.remove(id)
      core.index.remove(entry)
      yield* PubSub.publish(core.changes, id)
      yield* sweep(core, "everyone")
    }, Effect.uninterruptible),
    setDisabled: (id, disabled) =>
      disabled ? Effect.flatMap(find(id), (entry) => core.change(entry, switchOff, true)) : reset(id),
    setPriority: (id, priority) => Effect.flatMap(find(id), (entry) => edit(entry, { priority })),
    setGroup: (id, group) => Effect.flatMap(find(id), (entry) => edit(entry, { group })),
    leaveGroup: (group) =>
      Effect.forEach(
        [...core.entries].filter(({ credential }) => credential.group === group),
        (entry) => edit(entry, { group: null }),
        { discard: true }
      ),
    reset,
    balance: (id) => Effect.flatMap(find(id), balanceOf),
    refresh: Effect.fnUntraced(function* (id) {
      const entry = yield* find(id)
      if (!isSignedIn(entry.credential)) return yield* new NotRefreshable({ id })
      yield* tokens.force(entry)
    })
  }
}

const forgiven = (health: Health): Health => ({
  ...health,
  disabled: null,
  cooldown: null,
  failureCount: 0,
  refreshFailureCount: 0
})
