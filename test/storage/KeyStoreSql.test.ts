import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ClientKeyId } from "../../src/message/Ids.ts"
import { KeyStore } from "../../src/policy/KeyStore.ts"
import * as KeyStoreSql from "../../src/storage/KeyStoreSql.ts"
import { key, keyStoreCases } from "./StoreCases.ts"
import { onBoth } from "./TestPostgres.ts"

describe("KeyStoreSql", () => {
  onBoth((database) => {
    const store = KeyStoreSql.layer.pipe(Layer.provide(database))

    keyStoreCases(store)

    it.effect("keeps the old admin key when the new one cannot be stored", () =>
      Effect.gen(function* () {
        const keys = yield* KeyStore
        const client = key("c", "client", { hash: "taken" })
        const admin = key("a", "admin")
        yield* Effect.forEach([client, admin], keys.add)
        const error = yield* Effect.flip(keys.resetAdmin({ ...admin, id: ClientKeyId.make("b"), hash: "taken" }))
        assert.strictEqual(error.operation, "reset the admin key")
        assert.deepStrictEqual(
          (yield* keys.load).find(({ role }) => role === "admin"),
          admin
        )
      }).pipe(Effect.provide(store))
    )
  })
})
