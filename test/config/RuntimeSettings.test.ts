import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Queue, Stream } from "effect"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import * as SettingsStoreMemory from "../../src/config/SettingsStoreMemory.ts"
import type { Json } from "../../src/config/Jsonc.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { configOf } from "./ConfigCases.ts"

const fileValue = {
  pool: { maxInflight: 10, queueTimeout: "5 seconds" },
  upstreams: [
    { id: "kiro", kind: "kiro" },
    { id: "anthropic", kind: "anthropic" }
  ]
}

/** Settings over the store at hand, as after a start of the program with this file. */
const start = <A, E, R>(use: Effect.Effect<A, E, R>, value: Json = fileValue) =>
  Effect.flatMap(configOf(value), (file) => Effect.provide(use, RuntimeSettings.layer(file)))

const current = RuntimeSettings.useSync((settings) => settings.current())

const memory = SettingsStoreMemory.layer()

describe("RuntimeSettings", () => {
  it.effect("prefers what is stored to the file, and the file to the default, and tells which is which", () =>
    start(
      Effect.gen(function* () {
        const settings = yield* RuntimeSettings
        const view = yield* settings.update("pool", { queueTimeout: "60 seconds", mode: "balanced" })
        const { pool } = settings.current()
        assert.strictEqual(Duration.toSeconds(pool.queueTimeout), 60)
        assert.deepStrictEqual([pool.mode, pool.maxInflight, pool.queueLimit], ["balanced", 10, 256])
        assert.deepStrictEqual(view, {
          value: {
            mode: "balanced",
            maxInflightPerCredential: 4,
            maxInflight: 10,
            whenFull: "queue",
            queueTimeout: "60 seconds",
            queueLimit: 256,
            stickyTtl: "1 hour",
            disableAfterFailures: 3
          },
          origin: {
            mode: "stored",
            maxInflightPerCredential: "default",
            maxInflight: "file",
            whenFull: "default",
            queueTimeout: "stored",
            queueLimit: "default",
            stickyTtl: "default",
            disableAfterFailures: "default"
          }
        })
        assert.deepStrictEqual(yield* settings.section("pool"), view)
      })
    ).pipe(Effect.provide(memory))
  )

  it.effect("names the field that is wrong in a partial update, and changes nothing then", () =>
    start(
      Effect.gen(function* () {
        const settings = yield* RuntimeSettings
        const before = settings.current()
        const wrong: ReadonlyArray<readonly [Parameters<typeof settings.update>[0], unknown, string, RegExp]> = [
          ["pool", { mode: "balanced", queueLimit: "many" }, "queueLimit", /expected a whole number from 0 to 100000/],
          ["pool", { queueTimout: "1 second" }, "queueTimout", /the nearest known key is "queueTimeout"/],
          ["pool", { mode: null }, "mode", /expected/],
          ["pool", ["mode"], "", /expected an object/],
          ["pool", null, "", /expected an object/],
          ["retry", { budget: "soon" }, "budget", /expected a duration/],
          ["models", { routes: { "claude-*": ["kiro", "nobody"] } }, 'routes["claude-*"][1]', /no upstream: "nobody"/],
          ["models", { routes: { "claude-*": [] } }, 'routes["claude-*"]', /at least one upstream/],
          ["models", { routes: { "claude-*": ["kiro", "kiro"] } }, 'routes["claude-*"][1]', /kiro is named twice/],
          ["cache", { reportedReadRatio: 0.96 }, "reportedReadRatio", /from 0 to 0\.95/],
          ["cache", { reportedReadRatio: 0.5, perceivedCacheHitRatio: 0.5 }, "perceivedCacheHitRatio", /one of the two/]
        ]
        for (const [section, partial, field, reason] of wrong) {
          const error = yield* Effect.flip(settings.update(section, partial))
          assert.strictEqual(error._tag, "SettingsError")
          if (error._tag === "SettingsError") assert.deepStrictEqual([error.section, error.field], [section, field])
          assert.match(error.message, reason)
        }
        assert.strictEqual(settings.current(), before)
        assert.deepStrictEqual(yield* SettingsStore.use((store) => store.load), [])
      })
    ).pipe(Effect.provide(memory))
  )

  it.effect("takes kiro.rs's name of the reported ratio, and null where the default is null", () =>
    start(
      Effect.gen(function* () {
        const settings = yield* RuntimeSettings
        const view = yield* settings.update("cache", { perceivedCacheHitRatio: 0.5 })
        assert.strictEqual(view.value["reportedReadRatio"], 0.5)
        assert.strictEqual(settings.current().cache.reportedReadRatio, 0.5)
        yield* settings.update("cache", { reportedReadRatio: null })
        assert.isNull(settings.current().cache.reportedReadRatio)
        assert.strictEqual((yield* settings.section("cache")).origin["reportedReadRatio"], "stored")
      })
    ).pipe(Effect.provide(memory))
  )

  it.effect("loses no update when many members change at once", () =>
    Effect.gen(function* () {
      const store = yield* SettingsStore
      // Each write gives way first, so that an update which decided on an old state would be caught.
      const slow = SettingsStore.of({ ...store, save: (rows) => Effect.andThen(Effect.yieldNow, store.save(rows)) })
      const changes: ReadonlyArray<Json> = [
        { mode: "balanced" },
        { maxInflight: 1 },
        { maxInflightPerCredential: 2 },
        { queueLimit: 3 },
        { disableAfterFailures: 4 },
        { whenFull: "reject" }
      ]
      const changed = start(
        Effect.gen(function* () {
          const settings = yield* RuntimeSettings
          yield* Effect.forEach(changes, (change) => settings.update("pool", change), { concurrency: "unbounded" })
          return settings.current().pool
        })
      ).pipe(Effect.provideService(SettingsStore, slow))
      const { mode, maxInflight, maxInflightPerCredential, queueLimit, disableAfterFailures, whenFull } = yield* changed
      const seen = { mode, maxInflight, maxInflightPerCredential, queueLimit, disableAfterFailures, whenFull }
      assert.deepStrictEqual(seen, Object.assign({}, ...changes))
      assert.strictEqual((yield* store.load).length, changes.length)
    }).pipe(Effect.provide(memory))
  )

  it.effect("keeps what was changed over a restart, also when the file changes", () =>
    Effect.gen(function* () {
      yield* start(RuntimeSettings.use((settings) => settings.update("pool", { maxInflight: 20 })))
      assert.strictEqual((yield* start(current)).pool.maxInflight, 20)
      assert.strictEqual((yield* start(current, { pool: { maxInflight: 30 } })).pool.maxInflight, 20)
    }).pipe(Effect.provide(memory))
  )

  it.effect("returns a member to the file's value or the default, for good", () =>
    Effect.gen(function* () {
      yield* start(
        Effect.gen(function* () {
          const settings = yield* RuntimeSettings
          yield* settings.update("pool", { maxInflight: 20, mode: "balanced" })
          const view = yield* settings.remove("pool", "maxInflight")
          assert.deepStrictEqual([view.value["maxInflight"], view.origin["maxInflight"]], [10, "file"])
          yield* settings.remove("pool", "mode")
          yield* settings.remove("pool", "whenFull")
          const error = yield* Effect.flip(settings.remove("pool", "maxInflght"))
          assert.match(error.message, /^maxInflght: is not a known key; the nearest known key is "maxInflight"$/)
        })
      )
      const { pool } = yield* start(current)
      assert.deepStrictEqual([pool.maxInflight, pool.mode], [10, "priority"])
    }).pipe(Effect.provide(memory))
  )

  it.effect("does not use a stored value that no longer fits, tells so, and lets it be replaced", () =>
    start(
      Effect.gen(function* () {
        const settings = yield* RuntimeSettings
        const { models, pool } = settings.current()
        assert.deepStrictEqual([pool.maxInflight, pool.queueLimit, pool.mode], [10, 7, "priority"])
        assert.deepStrictEqual(models.routes, {})
        assert.deepStrictEqual(
          (yield* settings.ignored).map(({ member, section }) => `${section}.${member}`),
          ["bogus.x", "toString.x", "pool.gone", "pool.mode", "models.routes"]
        )
        assert.strictEqual((yield* settings.section("pool")).origin["mode"], "default")
        yield* settings.update("pool", { mode: "balanced" })
        assert.strictEqual(settings.current().pool.mode, "balanced")
        assert.isFalse((yield* settings.ignored).some(({ member }) => member === "mode"))
      })
    ).pipe(
      Effect.provide(
        SettingsStoreMemory.layer([
          { section: "bogus", member: "x", value: 1 },
          { section: "toString", member: "x", value: 1 },
          { section: "pool", member: "gone", value: 1 },
          { section: "pool", member: "mode", value: "fastest" },
          { section: "pool", member: "queueLimit", value: 7 },
          { section: "models", member: "routes", value: { "claude-*": ["no-more"] } }
        ])
      )
    )
  )

  it.effect("changes nothing that could not be stored", () =>
    Effect.gen(function* () {
      const refusal = new StorageError({ operation: "save settings", cause: "full" })
      const full = SettingsStore.of({
        load: Effect.succeed([]),
        save: () => Effect.fail(refusal),
        remove: () => Effect.void
      })
      yield* start(
        Effect.gen(function* () {
          const settings = yield* RuntimeSettings
          const error = yield* Effect.flip(settings.update("pool", { maxInflight: 20 }))
          assert.strictEqual(error, refusal)
          assert.strictEqual(settings.current().pool.maxInflight, 10)
          assert.strictEqual((yield* settings.section("pool")).origin["maxInflight"], "file")
        })
      ).pipe(Effect.provideService(SettingsStore, full))
    })
  )

  it.effect("finishes a change whose caller went away, so that memory and store agree", () =>
    Effect.gen(function* () {
      const store = yield* SettingsStore
      const [began, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const held = SettingsStore.of({
        ...store,
        save: (rows) =>
          Effect.andThen(Deferred.succeed(began, undefined), Effect.andThen(Deferred.await(go), store.save(rows)))
      })
      yield* start(
        Effect.gen(function* () {
          const settings = yield* RuntimeSettings
          const caller = yield* Effect.forkChild(settings.update("pool", { maxInflight: 20 }))
          yield* Deferred.await(began)
          const gone = yield* Effect.forkChild(Fiber.interrupt(caller))
          yield* Effect.yieldNow
          yield* Deferred.succeed(go, undefined)
          yield* Fiber.join(gone)
          assert.strictEqual(settings.current().pool.maxInflight, 20)
        })
      ).pipe(Effect.provideService(SettingsStore, held))
      assert.strictEqual((yield* start(current)).pool.maxInflight, 20)
    }).pipe(Effect.provide(memory))
  )

  it.effect("streams the settings of the moment, then those after each change", () =>
    start(
      Effect.gen(function* () {
        const settings = yield* RuntimeSettings
        const seen = yield* Queue.bounded<number>(1)
        yield* settings.changes.pipe(
          Stream.runForEach(({ pool }) => Queue.offer(seen, pool.maxInflight)),
          Effect.forkScoped
        )
        assert.strictEqual(yield* Queue.take(seen), 10)
        yield* settings.update("pool", { maxInflight: 20 })
        assert.strictEqual(yield* Queue.take(seen), 20)
        yield* settings.remove("pool", "maxInflight")
        assert.strictEqual(yield* Queue.take(seen), 10)
        for (const maxInflight of [1, 2, 3, 4, 5, 6]) yield* settings.update("pool", { maxInflight })
        const late = yield* Stream.runHead(settings.changes)
        assert.deepStrictEqual(late._tag === "Some" ? late.value.pool.maxInflight : 0, 6)
      })
    ).pipe(Effect.provide(memory))
  )

  it.effect("comes with a store of its own where none is given", () =>
    Effect.gen(function* () {
      const updated = RuntimeSettings.use((settings) => settings.update("retry", { maxAttempts: 2 }))
      const view = yield* Effect.provide(updated, RuntimeSettings.layerMemory(yield* configOf(fileValue)))
      assert.strictEqual(view.value["maxAttempts"], 2)
    })
  )
})
