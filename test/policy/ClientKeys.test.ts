import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { ClientKeyId } from "../../src/message/Ids.ts"
import { sha256Hex } from "../../src/message/Sha256.ts"
import { ClientKeys, type ConfiguredKeys } from "../../src/policy/ClientKeys.ts"
import { KeyStore, type StoredKey } from "../../src/policy/KeyStore.ts"
import * as KeyStoreMemory from "../../src/policy/KeyStoreMemory.ts"

const none: ConfiguredKeys = { clientKeys: [], adminKey: null }
const configured: ConfiguredKeys = { clientKeys: [Redacted.make("client-key")], adminKey: Redacted.make("admin-key") }

const stored = (key: string, more: Partial<StoredKey> = {}): StoredKey => ({
  id: ClientKeyId.make(`id of ${key}`),
  name: key,
  role: "client",
  hash: sha256Hex(key),
  disabled: false,
  ...more
})

const withKeys = (keys: ConfiguredKeys, initial: ReadonlyArray<StoredKey> = []) =>
  ClientKeys.layer(keys).pipe(Layer.provideMerge(KeyStoreMemory.layer(initial)))

describe("ClientKeys", () => {
  it.effect("knows the keys of the configuration and of the store, each in its role", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      assert.isNotNull(keys.client("client-key"))
      assert.strictEqual(keys.client("stored-key")?.name, "stored-key")
      assert.isTrue(keys.isAdmin("admin-key"))
      for (const wrong of ["", "admin-key", "client-key ", "Client-key", "disabled-key"]) {
        assert.isNull(keys.client(wrong), wrong)
      }
      for (const wrong of ["", "client-key", "stored-key"]) assert.isFalse(keys.isAdmin(wrong), wrong)
    }).pipe(Effect.provide(withKeys(configured, [stored("stored-key"), stored("disabled-key", { disabled: true })])))
  )

  it.effect("makes keys that are valid at once and of which only the hash is stored", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      assert.isFalse(keys.clientEnabled())
      const one = yield* keys.create("one")
      const other = yield* keys.create("other")
      const key = Redacted.value(one.key)
      assert.isAtLeast(key.length, 48)
      assert.notStrictEqual(key, Redacted.value(other.key))
      assert.deepStrictEqual(keys.client(key), { id: one.id, name: "one" })
      const rows = yield* Effect.flatMap(KeyStore, (store) => store.load)
      assert.include(
        rows.map(({ hash }) => hash),
        sha256Hex(key)
      )
      assert.notInclude(JSON.stringify(rows), key)
      assert.notInclude(JSON.stringify(one), key)
    }).pipe(Effect.provide(withKeys(none)))
  )

  it.effect("has one admin key in the store; a new one replaces it, the configuration's stays", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const first = Redacted.value((yield* keys.resetAdmin).key)
      assert.isTrue(keys.isAdmin(first))
      const second = Redacted.value((yield* keys.resetAdmin).key)
      assert.deepStrictEqual([first, second, "admin-key"].map(keys.isAdmin), [false, true, true])
      assert.isNotNull(keys.client("client-key"))
    }).pipe(Effect.provide(withKeys(configured)))
  )

  it.effect("says that the admin API is off where nobody has an admin key", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* ClientKeys).adminEnabled())
    }).pipe(Effect.provide(withKeys(none)))
  )
})
