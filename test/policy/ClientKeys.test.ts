import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { ClientKeyId } from "../../src/message/Ids.ts"
import { unlimited } from "../../src/message/KeyLimits.ts"
import { sha256Hex } from "../../src/message/Sha256.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { ClientKeys, type ConfiguredKeys, mostKeys } from "../../src/policy/ClientKeys.ts"
import type { ClientKeysError } from "../../src/policy/ClientKeysError.ts"
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
  created: 1_000,
  limits: unlimited,
  ...more
})

const full = new StorageError({ operation: "test", cause: new Error("full") })

const reasonOf = (error: ClientKeysError | StorageError) =>
  error._tag === "ClientKeysError" ? error.reason._tag : error._tag

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

  it.effect("takes a change on the next request, keeps it, and leaves what is not named", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const { id, key } = yield* keys.create("one", { ...unlimited, models: ["claude-*"], maxConcurrent: 2 })
      const presented = Redacted.value(key)
      yield* keys.update(id, { disabled: true, maxConcurrent: null })
      assert.isNull(keys.client(presented))
      const changed = yield* keys.update(id, { disabled: false, name: "two", expiresAt: 5_000 })
      assert.deepStrictEqual(changed, {
        id,
        name: "two",
        created: 0,
        disabled: false,
        limits: { ...unlimited, models: ["claude-*"], expiresAt: 5_000 },
        source: "stored"
      })
      assert.deepStrictEqual(keys.find(id), changed)
      assert.strictEqual(keys.client(presented)?.name, "two")
      yield* TestClock.adjust(5_000)
      assert.isNull(keys.client(presented), "it has expired")
      const [stored] = yield* KeyStore.use((store) => store.load)
      assert.deepStrictEqual(stored?.limits, changed.limits)
      yield* keys.update(id, { expiresAt: null })
      assert.isNotNull(keys.client(presented))
      yield* keys.remove(id)
      assert.isNull(keys.client(presented))
      assert.deepStrictEqual([keys.find(id), keys.list(), yield* KeyStore.use((store) => store.load)], [null, [], []])
    }).pipe(Effect.provide(withKeys(none)))
  )

  it.effect("loses none of many changes at once", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const { id } = yield* keys.create("one")
      yield* Effect.all(
        [
          keys.update(id, { requestsPerMinute: 1 }),
          keys.update(id, { tokensPerMinute: 2 }),
          keys.update(id, { maxConcurrent: 3 }),
          keys.create("two"),
          keys.update(id, { models: ["x"] })
        ],
        { concurrency: "unbounded" }
      )
      const limits = { ...unlimited, requestsPerMinute: 1, tokensPerMinute: 2, maxConcurrent: 3, models: ["x"] }
      assert.deepStrictEqual(keys.find(id)?.limits, limits)
      assert.lengthOf(keys.list(), 2)
    }).pipe(Effect.provide(withKeys(none)))
  )

  it.effect("lists the configuration's keys by ids that stay, and changes none of them", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const [first] = keys.list()
      assert.deepInclude(first, {
        name: "auth.clientKeys[0]",
        created: null,
        disabled: false,
        limits: unlimited,
        source: "file"
      })
      assert.notInclude(JSON.stringify(keys.list()), "client-key")
      assert.notInclude(JSON.stringify(keys.list()), sha256Hex("client-key").slice(0, 16))
      const id = first?.id ?? assert.fail("no key")
      for (const change of [keys.update(id, { disabled: true }), keys.remove(id)])
        assert.strictEqual(reasonOf(yield* Effect.flip(change)), "Fixed")
      for (const change of [keys.update(ClientKeyId.make("x"), {}), keys.remove(ClientKeyId.make("x"))])
        assert.strictEqual(reasonOf(yield* Effect.flip(change)), "Unknown")
      const others = { ...configured, clientKeys: [Redacted.make("another"), ...configured.clientKeys] }
      const later = yield* Effect.provide(ClientKeys, withKeys(others))
      assert.deepStrictEqual(
        later.list().map((key) => key.id === id),
        [false, true]
      )
    }).pipe(Effect.provide(withKeys(configured)))
  )

  it.effect("makes no more than 10,000", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      assert.strictEqual(reasonOf(yield* Effect.flip(keys.create("one more"))), "TooMany")
      yield* keys.remove(ClientKeyId.make("id of 7"))
      assert.strictEqual((yield* keys.create("one more")).name, "one more")
    }).pipe(
      Effect.provide(
        withKeys(
          configured,
          Array.from({ length: mostKeys }, (_, n) => stored(String(n)))
        )
      )
    )
  )

  it.effect("changes nothing where the change cannot be stored", () =>
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const id = ClientKeyId.make("id of a")
      for (const change of [keys.update(id, { disabled: true }), keys.remove(id)])
        assert.strictEqual((yield* Effect.flip(change))._tag, "StorageError")
      assert.isNotNull(keys.client("a"))
    }).pipe(
      Effect.provide(
        ClientKeys.layer(none).pipe(
          Layer.provide(
            Layer.mock(KeyStore, {
              load: Effect.succeed([stored("a")]),
              update: () => Effect.fail(full),
              remove: () => Effect.fail(full)
            })
          )
        )
      )
    )
  )

  it.effect("says that the admin API is off where nobody has an admin key", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* ClientKeys).adminEnabled())
    }).pipe(Effect.provide(withKeys(none)))
  )
})
