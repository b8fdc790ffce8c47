/**
 * ClientKeys: who may call. Keys of the configuration and keys in the database are valid side by side.
 *
 * **Details**
 *
 * Only SHA-256 digests are kept, also of the configuration's keys. A presented key is digested, looked up by its digest
 * and compared in constant time: what a look-up's time could tell is a part of a digest, from which no key follows.
 *
 * Bounded by the number of keys that an operator has made.
 */
import { Context, Effect, Layer, Redacted, Ref } from "effect"
import { SecureRandom } from "effect/crypto"
import { Base64Url } from "effect/encoding"
import { ClientKeyId } from "../message/Ids.ts"
import { sha256Hex } from "../message/Sha256.ts"
import type { StorageError } from "../message/StorageError.ts"
import { sameDigest } from "./ConstantTime.ts"
import { KeyStore, type StoredKey } from "./KeyStore.ts"

/** Whose key it is. */
export interface ClientIdentity {
  readonly id: ClientKeyId
  readonly name: string
}

/** A key that was just made. It is shown this once; only its digest is stored. */
export interface NewKey {
  readonly id: ClientKeyId
  readonly name: string
  readonly key: Redacted.Redacted
}

/** The keys that stand in the configuration. */
export interface ConfiguredKeys {
  readonly clientKeys: ReadonlyArray<Redacted.Redacted>
  readonly adminKey: Redacted.Redacted | null
}

export class ClientKeys extends Context.Service<
  ClientKeys,
  {
    /** Whose client key this is, or null. */
    readonly client: (presented: string) => ClientIdentity | null
    /** Whether this is an admin key. */
    readonly isAdmin: (presented: string) => boolean
    /** Whether there is an admin key at all; without one the admin API is off. */
    readonly adminEnabled: () => boolean
    /** Whether there is a client key at all. */
    readonly clientEnabled: () => boolean
    readonly create: (name: string) => Effect.Effect<NewKey, StorageError>
    /** A new admin key; those in the database before it are no longer valid. */
    readonly resetAdmin: Effect.Effect<NewKey, StorageError>
  }
>()("weir/policy/ClientKeys") {
  static readonly layer = (configured: ConfiguredKeys): Layer.Layer<ClientKeys, StorageError, KeyStore> =>
    Layer.effect(ClientKeys, make(configured)).pipe(Layer.provide(SecureRandom.layerWebCrypto))
}

/**
 * Keys as a request presents them: `x-api-key`, `Authorization: Bearer`. Claude Code sends both where both are set;
 * either will do, and neither is ever passed on.
 *
 * @param headers names in lower case
 */
export const presentedKeys = (headers: Readonly<Record<string, string | undefined>>): ReadonlyArray<string> => {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers["authorization"] ?? "")?.[1]
  return [headers["x-api-key"], bearer].flatMap((key) => (key === undefined || key === "" ? [] : [key]))
}

type Known = Pick<StoredKey, "id" | "name" | "role" | "hash">

const make = Effect.fnUntraced(function* (
  configured: ConfiguredKeys
): Effect.fn.Return<ClientKeys["Service"], StorageError, KeyStore | SecureRandom.SecureRandom> {
  const store = yield* KeyStore
  const random = yield* SecureRandom.SecureRandom
  const fixed: ReadonlyArray<Known> = [
    ...configured.clientKeys.map((key, index) => known(key, "client", `config:${index}`)),
    ...(configured.adminKey === null ? [] : [known(configured.adminKey, "admin", "config:admin")])
  ]
  const state = yield* Ref.make(byHash([...fixed, ...(yield* store.load).filter((key) => !key.disabled)]))

  const find = (presented: string, role: Known["role"]): Known | null => {
    const hash = sha256Hex(presented)
    const found = Ref.getUnsafe(state).get(hash)
    return found !== undefined && found.role === role && sameDigest(found.hash, hash) ? found : null
  }
  const has = (role: Known["role"]): boolean => [...Ref.getUnsafe(state).values()].some((key) => key.role === role)

  /** 256 random bits, with a prefix by which scanners for leaked secrets can know it. */
  const generate = Effect.fnUntraced(function* (role: Known["role"], name: string) {
    const secret = Base64Url.encode(yield* random.randomBytes(32))
    const key = Redacted.make(`weir_${role === "admin" ? "admin_" : ""}${secret}`)
    const id = ClientKeyId.make(yield* random.uuidV7())
    return {
      made: { id, name, key },
      stored: { id, name, role, hash: sha256Hex(Redacted.value(key)), disabled: false }
    }
  })

  return ClientKeys.of({
    client: (presented) => {
      const found = find(presented, "client")
      return found === null ? null : { id: found.id, name: found.name }
    },
    isAdmin: (presented) => find(presented, "admin") !== null,
    adminEnabled: () => has("admin"),
    clientEnabled: () => has("client"),
    create: Effect.fn("ClientKeys.create")(function* (name) {
      const { made, stored } = yield* generate("client", name)
      yield* store.add(stored)
      yield* Ref.update(state, (keys) => byHash([...keys.values(), stored]))
      return made
    }),
    resetAdmin: Effect.gen(function* () {
      const { made, stored } = yield* generate("admin", "admin")
      yield* store.resetAdmin(stored)
      yield* Ref.update(state, (keys) =>
        byHash([...[...keys.values()].filter((key) => key.role === "client" || fixed.includes(key)), stored])
      )
      return made
    }).pipe(Effect.withSpan("ClientKeys.resetAdmin"))
  })
})

const known = (key: Redacted.Redacted, role: Known["role"], id: string): Known => ({
  id: ClientKeyId.make(id),
  name: id,
  role,
  hash: sha256Hex(Redacted.value(key))
})

const byHash = (keys: ReadonlyArray<Known>): ReadonlyMap<string, Known> => new Map(keys.map((key) => [key.hash, key]))
