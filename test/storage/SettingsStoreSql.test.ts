import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import * as SettingsStoreSql from "../../src/storage/SettingsStoreSql.ts"
import { settingsStoreCases } from "./StoreCases.ts"
import { onBoth } from "./TestPostgres.ts"

describe("SettingsStoreSql", () => {
  onBoth((database) => {
    const store = SettingsStoreSql.layer.pipe(Layer.provideMerge(database))

    settingsStoreCases(store)

    it.effect("saves all or none", () =>
      Effect.gen(function* () {
        const settings = yield* SettingsStore
        const error = yield* Effect.flip(
          settings.save([
            { section: "pool", member: "mode", value: 1 },
            { section: "pool", member: "odd", value: () => 1 }
          ])
        )
        assert.strictEqual(error.operation, "save settings")
        assert.deepStrictEqual(yield* settings.load, [])
      }).pipe(Effect.provide(store))
    )

    it.effect("stores no value in clear: a proxy's address may hold a password", () =>
      Effect.gen(function* () {
        const settings = yield* SettingsStore
        const sql = yield* SqlClient.SqlClient
        yield* settings.save([{ section: "groups", member: "list", value: { url: "http://u:hunter2@proxy.test" } }])
        const text = JSON.stringify(yield* sql`select * from settings`)
        assert.notMatch(text, /hunter2/)
        assert.match(text, /groups/)
      }).pipe(Effect.provide(store))
    )
  })
})
