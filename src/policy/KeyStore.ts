/**
 * KeyStore: the keys that clients and operators present. Only hashes are stored.
 *
 * A port: `policy/` owns it, `storage/` implements it.
 */
import { Context, type Effect } from "effect"
import type { ClientKeyId } from "../message/Ids.ts"
import type { KeyLimits } from "../message/KeyLimits.ts"
import type { StorageError } from "../message/StorageError.ts"

export interface StoredKey {
  readonly id: ClientKeyId
  readonly name: string
  readonly role: "client" | "admin"
  /** SHA-256 of the key, hex. */
  readonly hash: string
  readonly disabled: boolean
  /** When it was made. Milliseconds since the epoch. */
  readonly created: number
  readonly limits: KeyLimits
}

/** What may change of a key. */
export type KeyState = Pick<StoredKey, "name" | "disabled" | "limits">

export class KeyStore extends Context.Service<
  KeyStore,
  {
    /** In the order in which they were made. */
    readonly load: Effect.Effect<ReadonlyArray<StoredKey>, StorageError>
    readonly add: (key: StoredKey) => Effect.Effect<void, StorageError>
    /** Nothing where there is no such key. */
    readonly update: (id: ClientKeyId, state: KeyState) => Effect.Effect<void, StorageError>
    /** Nothing where there is no such key. */
    readonly remove: (id: ClientKeyId) => Effect.Effect<void, StorageError>
    /** Replaces every admin key by this one. */
    readonly resetAdmin: (key: StoredKey) => Effect.Effect<void, StorageError>
  }
>()("weir/policy/KeyStore") {}
