/**
 * CredentialStore: where credentials and what is known of their health outlive the process.
 *
 * A port: the pool owns it, `storage/` implements it. Secrets are sealed before they reach the disk.
 */
import { CooldownReason, DisabledReason } from "../message/CredentialState.ts"
import { Context, DateTime, type Effect, Schema } from "effect"
import type { Credential, RefreshedTokens } from "../message/Credential.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"

/** A rest until a wall-clock time. */
export const Cooldown = Schema.Struct({
  reason: CooldownReason,
  until: Schema.DateTimeUtc,
  scope: Schema.Literals(["credential", "directory"]),
  /** Who set the time: the upstream's header, our table, or the directory's cooldown. */
  source: Schema.Literals(["header", "table", "directory"]),
  directoryKey: Schema.NullOr(Schema.String)
})
export type Cooldown = typeof Cooldown.Type

/** Everything about a credential that changes by use and is remembered. */
export const Health = Schema.Struct({
  disabled: Schema.NullOr(
    Schema.Struct({
      reason: DisabledReason,
      /** When it comes back by itself, or null: when a person acts. */
      until: Schema.NullOr(Schema.DateTimeUtc)
    })
  ),
  cooldown: Schema.NullOr(Cooldown),
  directoryKey: Schema.NullOr(Schema.String),
  successCount: Schema.Int,
  /** Failures in a row that count towards disabling. */
  failureCount: Schema.Int,
  refreshFailureCount: Schema.Int,
  transientFailureCount: Schema.Int,
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtc)
})
export type Health = typeof Health.Type

/** The health of a credential that was never used. */
export const untouched: Health = {
  disabled: null,
  cooldown: null,
  directoryKey: null,
  successCount: 0,
  failureCount: 0,
  refreshFailureCount: 0,
  transientFailureCount: 0,
  lastUsedAt: null
}

export interface StoredCredential {
  readonly credential: Credential
  readonly health: Health
}

/** A credential as a file or an import brought it. */
export interface ImportedCredential {
  readonly credential: Credential
  /**
   * SHA-256, hex, of the secret it came with. It is recognised again by this one: the stored, newer token wins, unless
   * the source has changed since.
   */
  readonly fingerprint: string
}

export class CredentialStore extends Context.Service<
  CredentialStore,
  {
    readonly load: Effect.Effect<ReadonlyArray<StoredCredential>, StorageError>
    /** Whether this database has ever held a credential, even one that was deleted since. */
    readonly everHeldOne: Effect.Effect<boolean, StorageError>
    /** The id under which a fingerprint is stored, or null. */
    readonly find: (fingerprint: string) => Effect.Effect<CredentialId | null, StorageError>
    /**
     * Whether the credential of this fingerprint was removed and not added since. The last 100,000 removals are
     * remembered.
     */
    readonly wasRemoved: (fingerprint: string) => Effect.Effect<boolean, StorageError>
    /** Adds it, or tells the id under which its fingerprint is stored already. */
    readonly add: (
      imported: ImportedCredential
    ) => Effect.Effect<{ readonly status: "added" | "duplicate"; readonly id: CredentialId }, StorageError>
    /** Durable when it returns: the database has committed. Members that are null stay as they were. */
    readonly saveTokens: (id: CredentialId, tokens: RefreshedTokens) => Effect.Effect<void, StorageError>
    readonly saveHealth: (id: CredentialId, health: Health) => Effect.Effect<void, StorageError>
    /** Changes what an operator may change; absent members stay. */
    readonly update: (
      id: CredentialId,
      change: Partial<
        Pick<Credential, "priority" | "group" | "label" | "email" | "profileArn" | "apiRegion" | "subscription">
      >
    ) => Effect.Effect<void, StorageError>
    readonly remove: (id: CredentialId) => Effect.Effect<void, StorageError>
  }
>()("weir/credential/CredentialStore") {}

/** Whether a cooldown still holds. */
export const isCooling = (cooldown: Cooldown | null, now: DateTime.Utc): cooldown is Cooldown =>
  cooldown !== null && DateTime.isGreaterThan(cooldown.until, now)
