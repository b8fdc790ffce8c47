/**
 * StoreCases: what every implementation of the store ports must do.
 */
import { assert, it } from "@effect/vitest"
import { DateTime, Effect, type Layer, Redacted } from "effect"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import { CredentialStore, type Health, type StoredCredential, untouched } from "../../src/credential/CredentialStore.ts"
import type {
  AnthropicCredential,
  ApiKeyCredential,
  Credential,
  ExternalIdpCredential,
  IdcCredential,
  SocialCredential
} from "../../src/message/Credential.ts"
import { ClientKeyId, CredentialId, GroupId, UpstreamId } from "../../src/message/Ids.ts"
import { type KeyLimits, unlimited } from "../../src/message/KeyLimits.ts"
import type { StorageError } from "../../src/message/StorageError.ts"
import { credentialBase as common } from "../support/Credentials.ts"
import { KeyStore, type StoredKey } from "../../src/policy/KeyStore.ts"

const time = (iso: string) => DateTime.makeUnsafe(iso)

export const social = (id: string, changes: Partial<SocialCredential> = {}): SocialCredential => ({
  kind: "social",
  ...common(id),
  accessToken: Redacted.make(`access of ${id}`),
  refreshToken: Redacted.make(`refresh of ${id}`),
  expiresAt: time("2026-01-01T00:00:00Z"),
  authRegion: "us-east-1",
  ...changes
})

const apiKey: ApiKeyCredential = { kind: "api_key", ...common("api"), apiKey: Redacted.make("ksk_api") }

export const anthropic = (id: string, changes: Partial<AnthropicCredential> = {}): AnthropicCredential => ({
  kind: "anthropic",
  ...common(id),
  upstream: UpstreamId.make("anthropic"),
  scheme: "bearer",
  secret: Redacted.make(`sk-ant-${id}`),
  ...changes
})

const idc: IdcCredential = {
  kind: "idc",
  ...common("idc"),
  label: "Team",
  email: "dev@example.test",
  group: GroupId.make("eu"),
  apiRegion: "eu-central-1",
  profileArn: "arn:aws:codewhisperer:eu-central-1:1:profile/A",
  proxy: { kind: "proxy", url: "http://127.0.0.1:1", username: "u", password: Redacted.make("proxy password") },
  subscription: "KIRO PRO+",
  accessToken: null,
  refreshToken: Redacted.make("refresh of idc"),
  expiresAt: null,
  authRegion: "eu-central-1",
  clientId: "client",
  clientSecret: Redacted.make("client secret")
}

const externalIdp: ExternalIdpCredential = {
  kind: "external_idp",
  ...common("ext"),
  accessToken: Redacted.make("access of ext"),
  refreshToken: Redacted.make("refresh of ext"),
  expiresAt: time("2026-02-03T04:05:06.789Z"),
  clientId: "client",
  tokenEndpoint: null,
  issuerUrl: "https://issuer.test",
  scopes: "openid",
  audience: null
}

/** One of each kind, every nullable member once with and once without a value. */
export const everyKind: ReadonlyArray<Credential> = [social("social"), apiKey, idc, externalIdp, anthropic("anthropic")]

export const used: Health = {
  disabled: { reason: "quota_exceeded", until: time("2026-03-01T00:00:00Z") },
  cooldown: {
    reason: "rate_limit",
    until: time("2026-01-01T00:02:00.5Z"),
    scope: "directory",
    source: "header",
    directoryKey: "d-1"
  },
  directoryKey: "d-1",
  successCount: 7,
  failureCount: 1,
  refreshFailureCount: 2,
  transientFailureCount: 3,
  lastUsedAt: time("2026-01-01T00:00:00.25Z")
}

/** Secrets in clear, times as text: comparable with `deepStrictEqual`. */
export const plain = (stored: ReadonlyArray<StoredCredential>): unknown =>
  JSON.parse(
    JSON.stringify(stored, (_key, value) => (Redacted.isRedacted(value) ? `secret: ${Redacted.value(value)}` : value))
  )

const add = (credential: Credential) =>
  CredentialStore.use((store) => store.add({ credential, fingerprint: `fingerprint of ${credential.id}` }))

const load = CredentialStore.use((store) => store.load)

const loadOne = Effect.map(load, ([first]) => first)

export const credentialStoreCases = <E>(store: Layer.Layer<CredentialStore, E>) => {
  const test = (name: string, body: Effect.Effect<void, StorageError, CredentialStore>) =>
    it.effect(name, () => Effect.provide(body, store))

  test(
    "returns every kind of credential as it was added, unused",
    Effect.gen(function* () {
      yield* Effect.forEach(everyKind, add)
      assert.deepStrictEqual(
        plain(yield* load),
        plain(everyKind.map((credential) => ({ credential, health: untouched })))
      )
    })
  )

  test(
    "loads by priority, then in the order of adding",
    Effect.gen(function* () {
      yield* Effect.forEach(
        [
          social("z", { priority: 1 }),
          social("y", { priority: 1 }),
          social("x", { priority: -1 }),
          social("a", { priority: 1 })
        ],
        add
      )
      assert.deepStrictEqual(
        (yield* load).map(({ credential }) => credential.id),
        ["x", "z", "y", "a"]
      )
    })
  )

  test(
    "tells the id of a credential whose fingerprint is there already, and keeps what it has",
    Effect.gen(function* () {
      const store = yield* CredentialStore
      assert.deepStrictEqual(yield* store.add({ credential: social("one"), fingerprint: "same" }), {
        status: "added",
        id: CredentialId.make("one")
      })
      const second = social("two", { refreshToken: Redacted.make("other") })
      assert.deepStrictEqual(yield* store.add({ credential: second, fingerprint: "same" }), {
        status: "duplicate",
        id: CredentialId.make("one")
      })
      assert.deepStrictEqual(plain(yield* load), plain([{ credential: social("one"), health: untouched }]))
      assert.strictEqual(yield* store.find("same"), CredentialId.make("one"))
      assert.isNull(yield* store.find("other"))
      assert.isFalse(yield* store.wasRemoved("same"))
    })
  )

  test(
    "merges refreshed tokens: what is null stays",
    Effect.gen(function* () {
      const store = yield* CredentialStore
      const before = { ...externalIdp, profileArn: "arn:old", tokenEndpoint: "https://old.test" }
      yield* add(before)
      const first = { accessToken: Redacted.make("a2"), expiresAt: time("2026-05-01T00:00:00Z") }
      yield* store.saveTokens(before.id, { ...first, refreshToken: null, profileArn: null, tokenEndpoint: null })
      assert.deepStrictEqual(plain(yield* load), plain([{ credential: { ...before, ...first }, health: untouched }]))
      const second = {
        accessToken: Redacted.make("a3"),
        refreshToken: Redacted.make("r3"),
        expiresAt: time("2026-06-01T00:00:00Z"),
        profileArn: "arn:new",
        tokenEndpoint: "https://new.test"
      }
      yield* store.saveTokens(before.id, second)
      assert.deepStrictEqual(plain(yield* load), plain([{ credential: { ...before, ...second }, health: untouched }]))
    })
  )

  test(
    "remembers health to the millisecond",
    Effect.gen(function* () {
      const store = yield* CredentialStore
      yield* add(social("one"))
      yield* store.saveHealth(CredentialId.make("one"), used)
      assert.deepStrictEqual(plain(yield* load), plain([{ credential: social("one"), health: used }]))
      yield* store.saveHealth(CredentialId.make("one"), untouched)
      assert.deepStrictEqual((yield* loadOne)?.health, untouched)
    })
  )

  test(
    "changes only the members that are given, and can take a value away",
    Effect.gen(function* () {
      const store = yield* CredentialStore
      yield* add(idc)
      yield* store.update(idc.id, {})
      yield* store.update(idc.id, { priority: 5, label: null })
      assert.deepStrictEqual(
        plain(yield* load),
        plain([{ credential: { ...idc, priority: 5, label: null }, health: untouched }])
      )
      const rest = {
        group: null,
        email: "new@example.test",
        profileArn: null,
        apiRegion: "us-east-1",
        subscription: "KIRO FREE"
      }
      yield* store.update(idc.id, rest)
      const expected = { ...idc, priority: 5, label: null, ...rest }
      assert.deepStrictEqual(plain(yield* load), plain([{ credential: expected, health: untouched }]))
    })
  )

  test(
    "remembers that it once held a credential after the last one is removed, and takes the same again",
    Effect.gen(function* () {
      const store = yield* CredentialStore
      assert.isFalse(yield* store.everHeldOne)
      yield* add(social("one"))
      yield* store.remove(CredentialId.make("one"))
      assert.deepStrictEqual(yield* load, [])
      assert.isTrue(yield* store.everHeldOne)
      assert.isTrue(yield* store.wasRemoved("fingerprint of one"))
      assert.deepStrictEqual((yield* add(social("one"))).status, "added")
      assert.isFalse(yield* store.wasRemoved("fingerprint of one"))
      assert.strictEqual((yield* load).length, 1)
      yield* store.remove(CredentialId.make("one"))
      assert.isTrue(yield* store.wasRemoved("fingerprint of one"))
    })
  )

  test(
    "does nothing for a credential that is not there",
    Effect.gen(function* () {
      const store = yield* CredentialStore
      const id = CredentialId.make("gone")
      const tokens = { accessToken: Redacted.make("a"), refreshToken: null, profileArn: null, tokenEndpoint: null }
      yield* store.saveTokens(id, { ...tokens, expiresAt: time("2026-01-01T00:00:00Z") })
      yield* store.saveHealth(id, used)
      yield* store.update(id, { priority: 1 })
      yield* store.remove(id)
      assert.deepStrictEqual(yield* load, [])
      assert.isFalse(yield* store.everHeldOne)
    })
  )
}

export const settingsStoreCases = <E>(store: Layer.Layer<SettingsStore, E>) => {
  it.effect("returns settings as they were saved last", () =>
    Effect.gen(function* () {
      const settings = yield* SettingsStore
      assert.deepStrictEqual(yield* settings.load, [])
      yield* settings.save([
        { section: "pool", member: "mode", value: "balanced" },
        { section: "groups", member: "list", value: [{ id: "eu", proxy: { url: "direct", port: 1.5 } }] }
      ])
      yield* settings.save([
        { section: "pool", member: "mode", value: null },
        { section: "retry", member: "mode", value: false }
      ])
      const byName = new Map((yield* settings.load).map((one) => [`${one.section}.${one.member}`, one.value]))
      assert.deepStrictEqual(
        byName,
        new Map<string, unknown>([
          ["groups.list", [{ id: "eu", proxy: { url: "direct", port: 1.5 } }]],
          ["pool.mode", null],
          ["retry.mode", false]
        ])
      )
    }).pipe(Effect.provide(store))
  )

  it.effect("forgets a removed setting and no other", () =>
    Effect.gen(function* () {
      const settings = yield* SettingsStore
      yield* settings.save([
        { section: "pool", member: "mode", value: 1 },
        { section: "pool", member: "size", value: 2 },
        { section: "retry", member: "mode", value: 3 }
      ])
      yield* settings.remove("pool", "mode")
      yield* settings.remove("pool", "absent")
      assert.deepStrictEqual(
        (yield* settings.load).map(({ value }) => value),
        [2, 3]
      )
    }).pipe(Effect.provide(store))
  )
}

export const key = (id: string, role: StoredKey["role"], more: Partial<StoredKey> = {}): StoredKey => ({
  id: ClientKeyId.make(id),
  name: `name of ${id}`,
  role,
  hash: `hash of ${id}`,
  disabled: false,
  created: 1_000,
  limits: unlimited,
  ...more
})

const limited: KeyLimits = {
  expiresAt: 1_800_000_000_000,
  models: ["claude-*", 'a "quoted" one'],
  requestsPerMinute: 1,
  tokensPerMinute: 1_000_000_000,
  maxConcurrent: 3,
  budget: { tokens: null, credits: 0.25, per: "month" }
}

export const keyStoreCases = <E>(store: Layer.Layer<KeyStore, E>) => {
  it.effect("returns keys as they were added", () =>
    Effect.gen(function* () {
      const keys = yield* KeyStore
      const added = [
        key("z", "client", { limits: limited }),
        key("b", "client", { created: 2_000, disabled: true }),
        key("c", "admin", { created: 2_000 })
      ]
      yield* Effect.forEach(added, keys.add)
      assert.deepStrictEqual(yield* keys.load, added)
    }).pipe(Effect.provide(store))
  )

  it.effect("changes and deletes the key that is named and no other", () =>
    Effect.gen(function* () {
      const keys = yield* KeyStore
      yield* Effect.forEach([key("a", "client"), key("b", "client"), key("c", "client", { limits: limited })], keys.add)
      yield* keys.update(ClientKeyId.make("a"), { name: "it's new", disabled: true, limits: limited })
      yield* keys.update(ClientKeyId.make("c"), { name: "c", disabled: false, limits: unlimited })
      yield* keys.update(ClientKeyId.make("gone"), { name: "gone", disabled: true, limits: unlimited })
      assert.deepStrictEqual(yield* keys.load, [
        key("a", "client", { name: "it's new", disabled: true, limits: limited }),
        key("b", "client"),
        key("c", "client", { name: "c" })
      ])
      yield* keys.remove(ClientKeyId.make("a"))
      yield* keys.remove(ClientKeyId.make("gone"))
      assert.deepStrictEqual(
        (yield* keys.load).map(({ id }) => `${id}`),
        ["b", "c"]
      )
    }).pipe(Effect.provide(store))
  )

  it.effect("replaces every admin key and leaves client keys", () =>
    Effect.gen(function* () {
      const keys = yield* KeyStore
      yield* Effect.forEach([key("a", "client"), key("b", "admin"), key("c", "admin")], keys.add)
      yield* keys.resetAdmin(key("d", "admin"))
      assert.deepStrictEqual(yield* keys.load, [key("a", "client"), key("d", "admin")])
    }).pipe(Effect.provide(store))
  )
}
