/**
 * ClientKeys: who may call, and within which limits. Keys of the configuration and keys in the database are valid side
 * by side; those of the configuration have no limits.
 *
 * **Details**
 *
 * Only SHA-256 digests are kept, also of the configuration's keys. A presented key is digested, looked up by its digest
 * and compared in constant time: what a look-up's time could tell is a part of a digest, from which no key follows.
 *
 * Bounded: at most {@link mostKeys} client keys in the database; past it none is made. What changes is stored first and
 * holds from the next request on; changes are made one after the other, so that none is lost.
 */
import { Clock, Context, Effect, Layer, Redacted, Ref, Semaphore } from "effect"
import { SecureRandom } from "effect/crypto"
import { Base64Url } from "effect/encoding"
import { ClientKeyId } from "../message/Ids.ts"
import { type KeyLimits, unlimited } from "../message/KeyLimits.ts"
import { sha256Hex } from "../message/Sha256.ts"
import type { StorageError } from "../message/StorageError.ts"
import { ClientKeysError } from "./ClientKeysError.ts"
import { sameDigest } from "./ConstantTime.ts"
import { isExpired } from "./KeyLimits.ts"
import { type KeyState, KeyStore, type StoredKey } from "./KeyStore.ts"

/** Whose key it is. */
export interface ClientIdentity {
  readonly id: ClientKeyId
  readonly name: string
}

/** A client key without the key. */
export interface ClientKey extends ClientIdentity {
  /** When it was made. Milliseconds since the epoch; null for one of the configuration. */
  readonly created: number | null
  readonly disabled: boolean
  readonly limits: KeyLimits
  /** `file`: it stands in the configuration. */
  readonly source: "file" | "stored"
}

/** A key that was just made. It is shown this once; only its digest is stored. */
export interface NewKey {
  readonly id: ClientKeyId
  readonly name: string
  readonly key: Redacted.Redacted
}

/** What may change of a key; what is left out stays. */
export type KeyChange = Partial<Omit<KeyState, "limits"> & KeyLimits>

/** The keys that stand in the configuration. */
export interface ConfiguredKeys {
  readonly clientKeys: ReadonlyArray<Redacted.Redacted>
  readonly adminKey: Redacted.Redacted | null
}

export class ClientKeys extends Context.Service<
  ClientKeys,
  {
    /** Whose client key this is, or null; null for one that is disabled or expired. */
    readonly client: (presented: string) => ClientIdentity | null
    /** Whether this is an admin key. */
    readonly isAdmin: (presented: string) => boolean
    /** Whose admin key this is, or null. */
    readonly admin: (presented: string) => ClientIdentity | null
    /** Whether there is an admin key at all; without one the admin API is off. */
    readonly adminEnabled: () => boolean
    /** Whether there is a client key at all that is not disabled. */
    readonly clientEnabled: () => boolean
    /** All client keys: the configuration's, then those of the database in the order in which they were made. */
    readonly list: () => ReadonlyArray<ClientKey>
    /** The client key with this id, whatever its state; null where there is none. */
    readonly find: (id: ClientKeyId) => ClientKey | null
    readonly create: (name: string, limits?: KeyLimits) => Effect.Effect<NewKey, StorageError | ClientKeysError>
    readonly update: (id: ClientKeyId, change: KeyChange) => Effect.Effect<ClientKey, StorageError | ClientKeysError>
    readonly remove: (id: ClientKeyId) => Effect.Effect<void, StorageError | ClientKeysError>
    /** A new admin key; those in the database before it are no longer valid. */
    readonly resetAdmin: Effect.Effect<NewKey, StorageError>
  }
>()("weir/policy/ClientKeys") {
  static readonly layer = (configured: ConfiguredKeys): Layer.Layer<ClientKeys, StorageError, KeyStore> =>
    Layer.effect(ClientKeys, make(configured)).pipe(Layer.provide(SecureRandom.layerWebCrypto))
}

/** Most client keys in the database. */
export const mostKeys = 10_000

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

interface Known extends Pick<StoredKey, "role" | "hash"> {
  readonly key: ClientKey
}

/** All keys by what they are asked for; the first of two with one digest counts. */
interface Keys {
  readonly all: ReadonlyArray<Known>
  readonly byHash: ReadonlyMap<string, Known>
  readonly clients: ReadonlyMap<ClientKeyId, Known>
}

const make = Effect.fnUntraced(function* (
  configured: ConfiguredKeys
): Effect.fn.Return<ClientKeys["Service"], StorageError, KeyStore | SecureRandom.SecureRandom> {
  const store = yield* KeyStore
  const random = yield* SecureRandom.SecureRandom
  const clock = yield* Clock.Clock
  const turn = yield* Semaphore.make(1)
  const fixed: ReadonlyArray<Known> = [
    ...configured.clientKeys.map((key, index) => ofFile(key, "client", `auth.clientKeys[${index}]`)),
    ...(configured.adminKey === null ? [] : [ofFile(configured.adminKey, "admin", "auth.adminKey")])
  ]
  const state = yield* Ref.make(keysOf([...fixed, ...(yield* store.load).map(ofStore)]))
  const keys = () => Ref.getUnsafe(state)
  const change = (next: (all: ReadonlyArray<Known>) => ReadonlyArray<Known>) =>
    Ref.update(state, ({ all }) => keysOf(next(all)))

  const find = (presented: string, role: Known["role"]): ClientIdentity | null => {
    const hash = sha256Hex(presented)
    const found = keys().byHash.get(hash)
    if (found === undefined || found.role !== role || !sameDigest(found.hash, hash)) return null
    const { disabled, id, limits, name } = found.key
    return disabled || isExpired(limits, clock.currentTimeMillisUnsafe()) ? null : { id, name }
  }
  const has = (role: Known["role"]): boolean => keys().all.some((one) => one.role === role && !one.key.disabled)

  /** 256 random bits, with a prefix by which scanners for leaked secrets can know it. */
  const generate = Effect.fnUntraced(function* (role: Known["role"], name: string, limits: KeyLimits) {
    const secret = Base64Url.encode(yield* random.randomBytes(32))
    const key = Redacted.make(`weir_${role === "admin" ? "admin_" : ""}${secret}`)
    const id = ClientKeyId.make(yield* random.uuidV7())
    const created = yield* Clock.currentTimeMillis
    const hash = sha256Hex(Redacted.value(key))
    return { made: { id, name, key }, stored: { id, name, role, hash, disabled: false, created, limits } }
  })

  /** A key that may be changed. */
  const changeable = (id: ClientKeyId): Effect.Effect<Known, ClientKeysError> =>
    Effect.suspend(() => {
      const known = keys().clients.get(id)
      if (known === undefined) return new ClientKeysError({ reason: { _tag: "Unknown" } })
      return known.key.source === "file" ? new ClientKeysError({ reason: { _tag: "Fixed" } }) : Effect.succeed(known)
    })

  return ClientKeys.of({
    client: (presented) => find(presented, "client"),
    isAdmin: (presented) => find(presented, "admin") !== null,
    admin: (presented) => find(presented, "admin"),
    adminEnabled: () => has("admin"),
    clientEnabled: () => has("client"),
    list: () => Array.from(keys().clients.values(), ({ key }) => key),
    find: (id) => keys().clients.get(id)?.key ?? null,
    create: Effect.fn("ClientKeys.create")(function* (name, limits = unlimited) {
      const { clients } = keys()
      if (clients.size - configured.clientKeys.length >= mostKeys)
        return yield* new ClientKeysError({ reason: { _tag: "TooMany", most: mostKeys } })
      const { made, stored } = yield* generate("client", name, limits)
      yield* store.add(stored)
      yield* change((all) => [...all, ofStore(stored)])
      return made
    }, turn.withPermit),
    update: Effect.fn("ClientKeys.update")(function* (id, { disabled, name, ...limits }) {
      const known = yield* changeable(id)
      const { key } = known
      const next = {
        name: name ?? key.name,
        disabled: disabled ?? key.disabled,
        limits: { ...key.limits, ...limits }
      }
      yield* store.update(id, next)
      const changed = { ...known, key: { ...key, ...next } }
      yield* change((all) => all.map((one) => (one === known ? changed : one)))
      return changed.key
    }, turn.withPermit),
    remove: Effect.fn("ClientKeys.remove")(function* (id) {
      const known = yield* changeable(id)
      yield* store.remove(id)
      yield* change((all) => all.filter((one) => one !== known))
    }, turn.withPermit),
    resetAdmin: Effect.gen(function* () {
      const { made, stored } = yield* generate("admin", "admin", unlimited)
      yield* store.resetAdmin(stored)
      yield* change((all) => [...all.filter((one) => one.role === "client" || fixed.includes(one)), ofStore(stored)])
      return made
    }).pipe(turn.withPermit, Effect.withSpan("ClientKeys.resetAdmin"))
  })
})

/**
 * A key of the configuration. Its id stays when others come and go; it is made of the key's digest and another word, so
 * that it is no digest that could be looked for anywhere.
 */
const ofFile = (key: Redacted.Redacted, role: Known["role"], name: string): Known => ({
  role,
  hash: sha256Hex(Redacted.value(key)),
  key: {
    id: ClientKeyId.make(`file:${sha256Hex(`id of ${Redacted.value(key)}`).slice(0, 16)}`),
    name,
    created: null,
    disabled: false,
    limits: unlimited,
    source: "file"
  }
})

const ofStore = ({ hash, role, ...key }: StoredKey): Known => ({ role, hash, key: { ...key, source: "stored" } })

const keysOf = (all: ReadonlyArray<Known>): Keys => ({
  all,
  byHash: new Map(all.toReversed().map((one) => [one.hash, one])),
  clients: new Map(all.flatMap((one) => (one.role === "client" ? [[one.key.id, one]] : [])))
})
