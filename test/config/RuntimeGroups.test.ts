import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import * as SettingsStoreMemory from "../../src/config/SettingsStoreMemory.ts"
import { configOf } from "./ConfigCases.ts"

const fileValue = {
  groups: [{ id: "eu", proxy: { url: "http://proxy.test:1", username: "me", password: "hunter2" } }, { id: "us" }]
}

const start = <A, E, R>(use: Effect.Effect<A, E, R>) =>
  Effect.flatMap(configOf(fileValue), (file) => Effect.provide(use, RuntimeSettings.layer(file)))

const memory = SettingsStoreMemory.layer()

/** Every group in one line each, passwords in clear: for the tests' eyes only. */
const groups = RuntimeSettings.useSync((settings) =>
  settings
    .current()
    .groups.map(({ id, proxy }) =>
      proxy.kind === "direct"
        ? `${id} direct`
        : `${id} ${proxy.url} ${proxy.username}:${proxy.password === null ? null : Redacted.value(proxy.password)}`
    )
)

const put = (group: unknown) => RuntimeSettings.use((settings) => settings.putGroup(group))

const test = <E>(name: string, body: Effect.Effect<void, E, RuntimeSettings | SettingsStore>) =>
  it.effect(name, () => Effect.provide(start(body), memory))

describe("RuntimeSettings, groups", () => {
  test(
    "shows the file's groups with their passwords masked",
    Effect.gen(function* () {
      const settings = yield* RuntimeSettings
      const views = yield* settings.groups
      assert.deepStrictEqual(views, [
        {
          group: { id: "eu", proxy: { url: "http://proxy.test:1", username: "me", password: "<redacted>" } },
          origin: "file"
        },
        { group: { id: "us", proxy: { url: "direct" } }, origin: "file" }
      ])
    })
  )

  test(
    "adds a group, going out directly unless told otherwise",
    Effect.gen(function* () {
      const views = yield* put({ id: "asia" })
      assert.deepStrictEqual(views.at(-1), { group: { id: "asia", proxy: { url: "direct" } }, origin: "stored" })
      yield* put({ id: "asia", proxy: { url: "socks5://u:p@proxy.test:9" } })
      assert.include(yield* groups, "asia socks5://proxy.test:9 u:p")
    })
  )

  test(
    "keeps what an update leaves out, a login only with the address it belongs to",
    Effect.gen(function* () {
      const eu = Effect.map(groups, ([first]) => first)
      yield* put({ id: "eu" })
      assert.strictEqual(yield* eu, "eu http://proxy.test:1 me:hunter2")
      yield* put({ id: "eu", proxy: { url: "http://proxy.test:1", username: "you", password: "<redacted>" } })
      assert.strictEqual(yield* eu, "eu http://proxy.test:1 you:hunter2")
      yield* put({ id: "eu", proxy: { password: "other" } })
      assert.strictEqual(yield* eu, "eu http://proxy.test:1 you:other")
      yield* put({ id: "eu", proxy: { url: "http://elsewhere.test:2" } })
      assert.strictEqual(yield* eu, "eu http://elsewhere.test:2 null:null")
      yield* put({ id: "eu", proxy: { username: "u", password: "p" } })
      yield* put({ id: "eu", proxy: { username: null, password: "" } })
      assert.strictEqual(yield* eu, "eu http://elsewhere.test:2 null:null")
    })
  )

  test(
    "never sends a kept password to an address that was not its own",
    Effect.gen(function* () {
      const moved = { url: "http://evil.test:1", username: "me", password: "<redacted>" }
      const error = yield* Effect.flip(put({ id: "eu", proxy: moved }))
      assert.match(String(error), /user name and password belong together/)
      assert.include(yield* groups, "eu http://proxy.test:1 me:hunter2")
    })
  )

  test(
    "names the field that is wrong, and changes nothing then",
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [unknown, string]> = [
        [null, "id"],
        [{ proxy: { url: "direct" } }, "id"],
        [{ id: 5 }, "id"],
        [{ id: "a b" }, "id"],
        [{ id: "__proto__ " }, "id"],
        [{ id: "x", proxy: { url: "ftp://hunter2" } }, "proxy.url"],
        [{ id: "x", proxy: "hunter2" }, "proxy"],
        [{ id: "x", proxi: {} }, "proxi"],
        [{ id: "x", proxy: { url: "direct", port: 1 } }, "proxy.port"]
      ]
      const before = yield* groups
      for (const [group, field] of wrong) {
        const error = yield* Effect.flip(put(group))
        assert.strictEqual(error._tag === "SettingsError" ? error.field : error._tag, field)
        assert.notInclude(error.message, "hunter2")
      }
      assert.deepStrictEqual(yield* groups, before)
      assert.deepStrictEqual(yield* SettingsStore.use((store) => store.load), [])
    })
  )

  it.effect("deletes groups for good, also the file's, until they are put or restored", () =>
    Effect.gen(function* () {
      yield* start(
        Effect.gen(function* () {
          const settings = yield* RuntimeSettings
          yield* settings.putGroup({ id: "asia" })
          yield* settings.deleteGroup("asia")
          yield* settings.deleteGroup("eu")
          yield* settings.deleteGroup("nobody")
          assert.deepStrictEqual(yield* groups, ["us direct"])
        })
      )
      yield* start(
        Effect.gen(function* () {
          const settings = yield* RuntimeSettings
          assert.deepStrictEqual(yield* groups, ["us direct"])
          yield* settings.putGroup({ id: "eu" })
          assert.include(yield* groups, "eu direct")
          const restored = yield* settings.restoreGroup("eu")
          assert.strictEqual(restored[0]?.origin, "file")
          assert.include(yield* groups, "eu http://proxy.test:1 me:hunter2")
        })
      )
      assert.deepStrictEqual(yield* SettingsStore.use((store) => store.load), [])
    }).pipe(Effect.provide(memory))
  )

  it.effect("loses no group when many are put at once, and keeps them over a restart", () =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 20 }, (_, index) => `g${index}`)
      yield* start(Effect.forEach(ids, (id) => put({ id }), { concurrency: "unbounded" }))
      assert.deepStrictEqual((yield* start(groups)).slice(2).toSorted(), ids.map((id) => `${id} direct`).toSorted())
    }).pipe(Effect.provide(memory))
  )
})
