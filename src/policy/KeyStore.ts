/**
 * KeyStore: the keys that clients and operators present. Only hashes are stored.
 *
 * A port: `policy/` owns it, `storage/` implements it.
 */
import { Context, type Effect } from "effect"
import type { ClientKeyId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"

export interface StoredKey {
  readonly id: ClientKeyId
  readonly name: string
  readonly role: "client" | "admin"
  /** SHA-256 of the key, hex. */
  readonly hash: string
  readonly disabled: boolean
}

export class KeyStore extends Context.Service<
  KeyStore,
  {
    readonly load: Effect.Effect<ReadonlyArray<StoredKey>, StorageError>
    readonly add: (key: StoredKey) => Effect.Effect<void, StorageError>
    /** Replaces every admin key by this one. */
    readonly resetAdmin: (key: StoredKey) => Effect.Effect<void, StorageError>
  }
>()("weir/policy/KeyStore") {}
