import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { CredentialStore, untouched } from "../../src/credential/CredentialStore.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import * as CredentialStoreSql from "../../src/storage/CredentialStoreSql.ts"
import { Durability } from "../../src/storage/Durability.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { anthropic, credentialStoreCases, everyKind, plain, social } from "./StoreCases.ts"
import { onBoth } from "./TestPostgres.ts"

const add = (id: string) =>
  CredentialStore.use((store) => store.add({ credential: social(id), fingerprint: `fingerprint of ${id}` }))

describe("CredentialStoreSql", () => {
  onBoth((database) => {
    const store = CredentialStoreSql.layer.pipe(Layer.provideMerge(database))

    credentialStoreCases(store)

    it.effect("stores no secret in clear", () =>
      Effect.gen(function* () {
        const credentials = yield* CredentialStore
        const sql = yield* SqlClient.SqlClient
        yield* Effect.forEach(everyKind, (credential) => credentials.add({ credential, fingerprint: credential.id }))
        const text = JSON.stringify(yield* sql`select * from credentials`)
        assert.notMatch(text, /access of|refresh of|client secret|ksk_|sk-ant-/)
        assert.match(text, /dev@example\.test/)
      }).pipe(Effect.provide(store))
    )

    it.effect.prop(
      "gives an Anthropic key back as it was added, and stores none of it in clear",
      [Schema.NonEmptyString, Schema.Literals(["api_key", "bearer"])],
      ([text, scheme]) =>
        Effect.gen(function* () {
          const credentials = yield* CredentialStore
          const sql = yield* SqlClient.SqlClient
          const secret = Redacted.make(`SECRET ${text.toWellFormed()}`)
          const credential = anthropic("one", { scheme, secret, priority: 2, label: "Mine" })
          yield* credentials.add({ credential, fingerprint: "one" })
          assert.deepStrictEqual(plain(yield* credentials.load), plain([{ credential, health: untouched }]))
          assert.notInclude(JSON.stringify(yield* sql`select * from credentials`), "SECRET")
        }).pipe(Effect.provide(Layer.fresh(store))),
      { arbitrary: { runs: 20 } }
    )

    it.effect("refuses an Anthropic key without its scheme", () =>
      Effect.gen(function* () {
        const credentials = yield* CredentialStore
        const sql = yield* SqlClient.SqlClient
        yield* credentials.add({ credential: anthropic("broken"), fingerprint: "broken" })
        yield* sql`update credentials set scheme = null`
        const error = yield* Effect.flip(credentials.load)
        assert.match(String(error.cause), /Row broken of credentials/)
      }).pipe(Effect.provide(store))
    )

    it.effect("refuses a secret that was moved to another credential", () =>
      Effect.gen(function* () {
        const credentials = yield* CredentialStore
        const sql = yield* SqlClient.SqlClient
        yield* add("mine")
        yield* add("theirs")
        yield* sql`
        update credentials set refresh_token_sealed =
          (select refresh_token_sealed from credentials where id = 'theirs') where id = 'mine'`
        const error = yield* Effect.flip(credentials.load)
        assert.strictEqual(error.operation, "load credentials")
        assert.strictEqual(
          String(error.cause),
          "SecretUnreadable: credentials.refresh_token_sealed of mine cannot be opened: tampered"
        )
      }).pipe(Effect.provide(store))
    )

    it.effect("names the row that it cannot read, and none of its values", () =>
      Effect.gen(function* () {
        const credentials = yield* CredentialStore
        const sql = yield* SqlClient.SqlClient
        yield* add("broken")
        yield* sql`update credentials set auth_region = null, label = 'private' where id = 'broken'`
        const error = yield* Effect.flip(credentials.load)
        assert.match(String(error.cause), /Row broken of credentials/)
        assert.notMatch(JSON.stringify(error), /private/)
      }).pipe(Effect.provide(store))
    )

    it.effect("leaves nothing behind of a credential that it could not add", () =>
      Effect.gen(function* () {
        const credentials = yield* CredentialStore
        const odd = social("odd", { priority: 1.5 })
        const error = yield* Effect.flip(credentials.add({ credential: odd, fingerprint: "odd" }))
        assert.strictEqual(error.operation, "add a credential")
        yield* add("one")
        const sameId = yield* Effect.flip(credentials.add({ credential: social("one"), fingerprint: "another" }))
        assert.strictEqual(sameId.operation, "add a credential")
        assert.deepStrictEqual(
          (yield* credentials.load).map(({ credential }) => credential.id),
          [CredentialId.make("one")]
        )
      }).pipe(Effect.provide(store))
    )

    it.effect("adds one credential when many fibers bring the same at once", () =>
      Effect.gen(function* () {
        const credentials = yield* CredentialStore
        const ids = Array.from({ length: 20 }, (_, index) => `c${index}`)
        const results = yield* Effect.forEach(
          ids,
          (id) => credentials.add({ credential: social(id), fingerprint: "same" }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(results.filter(({ status }) => status === "added").length, 1)
        assert.deepStrictEqual(new Set(results.map(({ id }) => id)).size, 1)
        assert.strictEqual((yield* credentials.load).length, 1)
      }).pipe(Effect.provide(store))
    )

    it.effect("fails to save tokens that the disk did not take", () =>
      Effect.gen(function* () {
        const credentials = yield* CredentialStore
        const error = yield* Effect.flip(
          credentials.saveTokens(CredentialId.make("one"), {
            accessToken: Redacted.make("a"),
            refreshToken: null,
            expiresAt: DateTime.makeUnsafe(0),
            profileArn: null,
            tokenEndpoint: null
          })
        )
        assert.strictEqual(error.operation, "sync to disk")
      }).pipe(
        Effect.provide(
          CredentialStoreSql.layer.pipe(
            Layer.provide(
              Layer.succeed(Durability, {
                flush: Effect.fail(new StorageError({ operation: "sync to disk", cause: "no space" }))
              })
            ),
            Layer.provide(database)
          )
        )
      )
    )
  })
})
