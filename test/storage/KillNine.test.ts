import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import { isSignedIn } from "../../src/message/Credential.ts"
import * as Child from "./Child.ts"
import { social } from "./StoreCases.ts"
import { storageIn, tempFolder } from "./TestDatabase.ts"

const tokens = CredentialStore.use((store) => store.load).pipe(
  Effect.map((stored) =>
    stored.flatMap(({ credential }) => (isSignedIn(credential) ? [Redacted.value(credential.refreshToken)] : []))
  )
)

describe("kill -9", () => {
  it.live("loses no rotated token that was saved, at whatever moment it comes", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const credential = social("one", { refreshToken: Redacted.make("first") })
      const added = CredentialStore.use((store) => store.add({ credential, fingerprint: "one" }))
      yield* Effect.provide(added, storageIn(folder))
      for (const rotations of [1, 3, 10]) {
        const child = yield* Child.start("OpenStorage.ts", {
          args: [`sqlite:${folder}/weir.db`, "rotate", "one"]
        })
        assert.strictEqual(yield* child.line, "open")
        let saved = "0"
        for (let rotation = 0; rotation < rotations; rotation++) saved = yield* child.line
        yield* child.kill
        const found = yield* Effect.provide(tokens, storageIn(folder))
        assert.strictEqual(found.length, 1)
        assert.isAtLeast(Number(found[0]), Number(saved))
        assert.strictEqual(Number(saved), rotations)
      }
    })
  )
})
