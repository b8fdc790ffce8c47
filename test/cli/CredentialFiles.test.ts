import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Logger, Redacted } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { importFiles } from "../../src/cli/CredentialFiles.ts"
import type { Upstream } from "../../src/config/UpstreamSettings.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as CredentialStoreMemory from "../../src/credential/CredentialStoreMemory.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { anthropicUpstream, kiroUpstream } from "../support/Credentials.ts"
import { folder } from "./WeirProcess.ts"

const env = { ANTHROPIC_KEY: "sk-ant-SECRET-1", BLANK: "", SPACED: "sk-ant SECRET" }

/** What a start with one file of these entries logs and stores. */
const started = Effect.fnUntraced(
  function* (upstreams: ReadonlyArray<Upstream>, entries: ReadonlyArray<unknown>) {
    const file = join(yield* folder, "credentials.json")
    yield* Effect.promise(() => writeFile(file, JSON.stringify(entries)))
    const logged: Array<string> = []
    const logger = Logger.make(({ message }) => {
      logged.push(String(message).replace(file, "FILE"))
    })
    yield* Effect.provide(importFiles({ credentials: { files: [file] }, upstreams }), Logger.layer([logger]))
    const stored = yield* CredentialStore.use((store) => store.load)
    return { logged, credentials: stored.map(({ credential }) => credential) }
  },
  Effect.provide(
    Layer.mergeAll(ConfigProvider.layer(ConfigProvider.fromEnv({ env })), Layer.fresh(CredentialStoreMemory.layer()))
  )
)

describe("the credential files of a configuration", () => {
  it.effect("bring each entry to the upstream of its kind, and read keys from the environment", () =>
    Effect.gen(function* () {
      const { credentials, logged } = yield* started(
        [kiroUpstream("kiro"), anthropicUpstream("first"), anthropicUpstream("second")],
        [
          { kind: "anthropic", apiKey: "env:ANTHROPIC_KEY" },
          { kind: "anthropic", authToken: "SECRET-2", upstream: "second" },
          { kiroApiKey: "SECRET-3" },
          { kind: "anthropic", apiKey: "env:NOT_SET" },
          { kind: "anthropic", authToken: "env:BLANK" },
          { kind: "anthropic", apiKey: "env:SPACED" },
          { kiroApiKey: "SECRET-4", upstream: "third" }
        ]
      )
      assert.deepStrictEqual(
        credentials.map((credential) =>
          credential.kind === "anthropic"
            ? [credential.upstream, credential.scheme, Redacted.value(credential.secret)]
            : [credential.upstream, credential.kind]
        ),
        [
          ["first", "api_key", "sk-ant-SECRET-1"],
          ["second", "bearer", "SECRET-2"],
          ["kiro", "api_key"]
        ]
      )
      assert.deepStrictEqual(logged, [
        "FILE: row 4 is not used: apiKey: the environment variable NOT_SET is not set, or is empty",
        "FILE: row 5 is not used: authToken: the environment variable BLANK is not set, or is empty",
        "FILE: row 6 is not used: apiKey: the environment variable SPACED must be printable ASCII without spaces",
        "FILE: row 7 is not used: upstream: there is no upstream third in the configuration",
        "FILE: 3 credentials added"
      ])
      assert.notInclude(logged.join() + JSON.stringify(credentials), "SECRET")
    })
  )

  it.effect("are refused row by row where their kind has no upstream, and as a whole where no kind has", () =>
    Effect.gen(function* () {
      const entries = [{ kind: "anthropic", apiKey: "k" }, { kiroApiKey: "ksk_1" }]
      const withoutKiro = yield* started([anthropicUpstream("a")], entries)
      assert.deepStrictEqual(withoutKiro.logged, [
        "FILE: row 2 is not used: there is no upstream of kind kiro in the configuration",
        "FILE: 1 credentials added"
      ])
      const withoutAnthropic = yield* started([kiroUpstream("k")], entries)
      assert.deepStrictEqual(withoutAnthropic.logged, [
        "FILE: row 1 is not used: there is no upstream of kind anthropic in the configuration",
        "FILE: 1 credentials added"
      ])
      const error = yield* Effect.flip(started([{ id: UpstreamId.make("box"), kind: "sandbox" }], entries))
      assert.match(error.message, /there is no upstream of kind kiro or anthropic to use it with/)
    })
  )

  it.effect("bring nothing back that was deleted, until its entry changes", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "credentials.json")
      const store = yield* CredentialStore
      const start = (...entries: ReadonlyArray<unknown>) =>
        Effect.promise(() => writeFile(file, JSON.stringify(entries))).pipe(
          Effect.andThen(importFiles({ credentials: { files: [file] }, upstreams: [kiroUpstream("kiro")] })),
          Effect.andThen(store.load)
        )
      const [first] = yield* start({ kiroApiKey: "ksk_1" }, { kiroApiKey: "ksk_2" })
      if (first === undefined) return assert.fail("nothing was added")
      yield* store.remove(first.credential.id)
      assert.strictEqual((yield* start({ kiroApiKey: "ksk_1" }, { kiroApiKey: "ksk_2" })).length, 1)
      assert.strictEqual((yield* start({ kiroApiKey: "ksk_3" }, { kiroApiKey: "ksk_2" })).length, 2)
    }).pipe(Effect.provide([Layer.fresh(CredentialStoreMemory.layer()), Logger.layer([])]))
  )
})
