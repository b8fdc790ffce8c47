import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as CredentialStoreMemory from "../../src/credential/CredentialStoreMemory.ts"
import { credentialStoreCases, social } from "../storage/StoreCases.ts"

describe("CredentialStoreMemory", () => {
  credentialStoreCases(CredentialStoreMemory.layer())

  it.effect("starts with the credentials that it is given", () =>
    Effect.gen(function* () {
      const store = yield* CredentialStore
      assert.deepStrictEqual(
        (yield* store.load).map(({ credential }) => credential.id),
        [social("b").id, social("a").id]
      )
      assert.isTrue(yield* store.everHeldOne)
    }).pipe(
      Effect.provide(
        CredentialStoreMemory.layer([
          { credential: social("a", { priority: 1 }), fingerprint: "1" },
          { credential: social("b"), fingerprint: "2" },
          { credential: social("c"), fingerprint: "2" }
        ])
      )
    )
  )
})
