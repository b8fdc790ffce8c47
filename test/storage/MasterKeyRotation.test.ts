import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { readFile, stat, writeFile } from "node:fs/promises"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as MasterKey from "../../src/storage/MasterKey.ts"
import * as MasterKeyRotation from "../../src/storage/MasterKeyRotation.ts"
import { everyKind, plain } from "./StoreCases.ts"
import { environment, storageIn, tempFolder } from "./TestDatabase.ts"

const rotate = (folder: string, env: Record<string, string> = {}) =>
  MasterKeyRotation.rotate({ url: `sqlite:${folder}/weir.db` }).pipe(Effect.provide(environment(env)))

/** Credentials of every kind and a setting: each sealed column holds something. */
const fill = (folder: string, env: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const credentials = yield* CredentialStore
    yield* Effect.forEach(everyKind, (credential) => credentials.add({ credential, fingerprint: credential.id }))
    yield* SettingsStore.use((store) => store.save([{ section: "pool", member: "maxInflight", value: 3 }]))
  }).pipe(Effect.provide(storageIn(folder, env)))

/** All that is stored, secrets in clear. */
const content = (folder: string, env: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const credentials = yield* CredentialStore.use((store) => store.load)
    return [plain(credentials), yield* SettingsStore.use((store) => store.load)]
  }).pipe(Effect.provide(storageIn(folder, env)))

const keyFile = (folder: string) => Effect.promise(() => readFile(`${folder}/master.key`, "utf8"))
const exported = Effect.map(MasterKey.generate, (key) => key.secret.export().toString("base64"))

describe("MasterKeyRotation", () => {
  it.effect("seals every secret under a new key and forgets the old one", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* fill(folder)
      const [before, oldKey] = [yield* content(folder), yield* keyFile(folder)]
      const { keyId, resealed } = yield* rotate(folder)
      const newKey = yield* keyFile(folder)
      assert.strictEqual(resealed, 10)
      assert.deepStrictEqual([...(MasterKey.parse(newKey, "")?.all.keys() ?? [])], [keyId])
      assert.notStrictEqual(newKey, oldKey)
      assert.strictEqual((yield* Effect.promise(() => stat(`${folder}/master.key`))).mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* content(folder), before)
      const error = yield* Effect.flip(content(folder, { WEIR_MASTER_KEY: oldKey.trim() }))
      assert.match(error.message, /sealed under master key/)
    })
  )

  it.effect("can be run again where it was cut off after both keys were written, and all opens meanwhile", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* fill(folder)
      const before = yield* content(folder)
      const both = `${yield* keyFile(folder)}${yield* exported}\n`
      yield* Effect.promise(() => writeFile(`${folder}/master.key`, both))
      assert.deepStrictEqual(yield* content(folder), before)
      const { keyId } = yield* rotate(folder)
      assert.deepStrictEqual([...(MasterKey.parse(yield* keyFile(folder), "")?.all.keys() ?? [])], [keyId])
      assert.deepStrictEqual(yield* content(folder), before)
    })
  )

  it.effect("can be run again where it was cut off before the old key left the file", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* fill(folder)
      const [before, oldKey] = [yield* content(folder), yield* keyFile(folder)]
      yield* rotate(folder)
      const both = `${oldKey}${yield* keyFile(folder)}`
      yield* Effect.promise(() => writeFile(`${folder}/master.key`, both))
      assert.deepStrictEqual(yield* content(folder), before)
      yield* rotate(folder)
      assert.deepStrictEqual(yield* content(folder), before)
    })
  )

  it.effect("goes over to the first key of WEIR_MASTER_KEY, and makes no file", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const [oldKey, newKey] = [yield* exported, yield* exported]
      yield* fill(folder, { WEIR_MASTER_KEY: oldKey })
      const before = yield* content(folder, { WEIR_MASTER_KEY: oldKey })
      const alone = yield* Effect.flip(rotate(folder, { WEIR_MASTER_KEY: oldKey }))
      assert.match(alone.message, /WEIR_MASTER_KEY holds one key; put the new one before it/)
      yield* rotate(folder, { WEIR_MASTER_KEY: `${newKey} ${oldKey}` })
      assert.deepStrictEqual(yield* content(folder, { WEIR_MASTER_KEY: newKey }), before)
      assert.isTrue(yield* Effect.isFailure(Effect.tryPromise(() => stat(`${folder}/master.key`))))
    })
  )

  it.effect("changes nothing without the key that opens, nor while the database is in use", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* fill(folder)
      const before = yield* content(folder)
      const wrong = yield* Effect.flip(rotate(folder, { WEIR_MASTER_KEY: `${yield* exported} ${yield* exported}` }))
      assert.strictEqual(wrong._tag === "StorageUnusable" ? wrong.reason : wrong._tag, "master_key")
      const key = yield* keyFile(folder)
      const held = yield* Effect.provide(
        Effect.andThen(
          CredentialStore.use((store) => store.load),
          Effect.flip(rotate(folder))
        ),
        storageIn(folder)
      )
      assert.strictEqual(held._tag, "DatabaseLocked")
      assert.strictEqual(yield* keyFile(folder), key)
      assert.deepStrictEqual(yield* content(folder), before)
    })
  )

  it.effect("repeats no key in what it says", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const secret = Redacted.make(yield* exported)
      yield* fill(folder)
      const error = yield* Effect.flip(rotate(folder, { WEIR_MASTER_KEY: Redacted.value(secret) }))
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, Redacted.value(secret))
    })
  )
})
