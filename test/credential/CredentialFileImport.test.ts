import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted, Ref } from "effect"
import { parseCredentialFile } from "../../src/credential/CredentialFile.ts"
import { importRows, intoStore } from "../../src/credential/CredentialImport.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as CredentialStoreMemory from "../../src/credential/CredentialStoreMemory.ts"
import { environmentCredential } from "../../src/credential/EnvironmentCredential.ts"
import { CredentialId, UpstreamId } from "../../src/message/Ids.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { entryOptions, kiroUpstream } from "../support/Credentials.ts"

const options = entryOptions([kiroUpstream("kiro", { region: "us-east-1", allowedTokenHosts: [] })])
const token = (name: string) => `TOPSECRET-${name}:`.padEnd(120, "r")
const rows = (...entries: ReadonlyArray<unknown>) => parseCredentialFile(entries, options)

describe("an import", () => {
  it.effect("adds what is new and says of every other row what it is", () =>
    Effect.gen(function* () {
      const store = yield* CredentialStore
      yield* importRows(rows({ refreshToken: token("old") }), intoStore(store))
      const results = yield* importRows(
        rows(
          { refreshToken: token("a"), endpoint: "cli" },
          { refreshToken: "short" },
          { refreshToken: token("old") },
          { refreshToken: token("a") },
          { kiroApiKey: "ksk_TOPSECRET", disabled: true }
        ),
        intoStore(store)
      )
      const [old, a, key] = (yield* store.load).map(({ credential }) => credential.id)
      if (old === undefined || a === undefined || key === undefined) assert.fail("three are stored")
      assert.deepStrictEqual(results, [
        { row: 1, status: "added", id: a, message: "endpoint was not taken over: there is one only" },
        { row: 2, status: "invalid", message: "refreshToken looks incomplete; sign in again and import it anew" },
        { row: 3, status: "duplicate", id: old, message: "is here already" },
        { row: 4, status: "duplicate", message: "is the same as row 1", id: a },
        { row: 5, status: "added", id: key, message: "it is disabled in the file" }
      ])
      assert.notInclude(JSON.stringify(results), "TOPSECRET")
      assert.strictEqual(new Set([old, a, key]).size, 3)
    }).pipe(Effect.provide(CredentialStoreMemory.layer()))
  )

  it.effect("keeps tokens in the store, and disabled what the file disables", () =>
    Effect.gen(function* () {
      const store = yield* CredentialStore
      yield* importRows(rows({ refreshToken: token("a"), disabled: true }), intoStore(store))
      const [stored] = yield* store.load
      const { credential, health } = stored ?? assert.fail("nothing is stored")
      assert.strictEqual(credential.kind === "social" ? Redacted.value(credential.refreshToken) : "", token("a"))
      assert.deepStrictEqual(health.disabled, { reason: "manual", until: null })
    }).pipe(Effect.provide(CredentialStoreMemory.layer()))
  )

  it.effect("made again adds nothing and changes nothing", () =>
    Effect.gen(function* () {
      const store = yield* CredentialStore
      const file = rows({ refreshToken: token("a"), disabled: true }, { kiroApiKey: "ksk_1" })
      const first = yield* importRows(file, intoStore(store))
      const before = yield* store.load
      const again = yield* importRows(file, intoStore(store))
      assert.deepStrictEqual(
        again.map(({ id, status }) => [status, id]),
        first.map(({ id }) => ["duplicate", id])
      )
      assert.deepStrictEqual(yield* store.load, before)
    }).pipe(Effect.provide(CredentialStoreMemory.layer()))
  )

  it.effect("fails with the storage, and goes on where it stopped when it is made again", () =>
    Effect.gen(function* () {
      const store = yield* CredentialStore
      const calls = yield* Ref.make(0)
      const target = intoStore(store)
      const file = rows({ refreshToken: token("a") }, { refreshToken: token("b") }, { refreshToken: token("c") })
      const error = yield* Effect.flip(
        importRows(file, {
          ...target,
          add: (imported) =>
            Effect.flatMap(
              Ref.updateAndGet(calls, (n) => n + 1),
              (n) =>
                n === 2
                  ? Effect.fail(new StorageError({ operation: "add a credential", cause: "disk full" }))
                  : target.add(imported)
            )
        })
      )
      assert.strictEqual(error.operation, "add a credential")
      assert.strictEqual(yield* Ref.get(calls), 2)
      const results = yield* importRows(file, target)
      assert.deepStrictEqual(
        results.map(({ status }) => status),
        ["duplicate", "added", "added"]
      )
    }).pipe(Effect.provide(CredentialStoreMemory.layer()))
  )
})

describe("KIRO_API_KEY", () => {
  const upstreams = [{ id: UpstreamId.make("mine"), kind: "sandbox" as const }]
  const kiro = kiroUpstream("kiro-eu")
  const read = (env: Record<string, string>, withKiro = true) =>
    environmentCredential({ upstreams: withKiro ? [...upstreams, kiro] : upstreams }).pipe(
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
    )

  it.effect("is a credential of the first Kiro upstream that keeps its id", () =>
    Effect.gen(function* () {
      const credential = yield* read({ KIRO_API_KEY: " ksk_TOPSECRET\n" })
      assert.strictEqual(credential === null ? "" : Redacted.value(credential.apiKey), "ksk_TOPSECRET")
      assert.strictEqual(credential?.id, CredentialId.make("env"))
      assert.strictEqual(credential?.upstream, "kiro-eu")
      assert.strictEqual(credential?.priority, 0)
      assert.notInclude(JSON.stringify(credential), "TOPSECRET")
    })
  )

  it.effect("is none where it is not set, blank, or of no use", () =>
    Effect.gen(function* () {
      assert.isNull(yield* read({}))
      assert.isNull(yield* read({ KIRO_API_KEY: "  " }))
      assert.isNull(yield* read({ KIRO_API_KEY: "ksk_1" }, false))
    })
  )

  it.effect("is refused in one line without its value where no header could hold it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ KIRO_API_KEY: "TOP SECRET" }))
      assert.strictEqual(
        error.message,
        "KIRO_API_KEY: the environment variable must hold an API key: printable ASCII without spaces"
      )
    })
  )
})
