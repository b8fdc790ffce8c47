import { assert, it } from "@effect/vitest"
import { Effect, Queue, Schedule } from "effect"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as MasterKey from "../../src/storage/MasterKey.ts"
import * as Child from "./Child.ts"
import { tempFolder } from "./TestDatabase.ts"
import { addressOf, ask, describePostgres, emptyDatabase, nameOf, storageAt } from "./TestPostgres.ts"

const env = Effect.map(MasterKey.generate, (key) => ({
  WEIR_MASTER_KEY: key.secret.export().toString("base64")
}))

const place = Effect.all({ url: emptyDatabase, folder: tempFolder, env })
type Place = Effect.Success<typeof place>

/** What opening the storage comes to: `open`, or the error's message. */
const opening = ({ env, folder, url }: Place) =>
  CredentialStore.use((store) => store.load).pipe(
    Effect.as("open"),
    Effect.provide(storageAt(url, folder, env)),
    Effect.catch((error) => Effect.succeed(`${error._tag}: ${error.message}`))
  )

const holder = Effect.fnUntraced(function* ({ env, folder, url }: Place) {
  const child = yield* Child.start("OpenStorage.ts", { args: [url], env, cwd: folder })
  assert.strictEqual(yield* child.line, "open")
  return child
})

const load = SettingsStore.use((store) => store.load)

/** Ends connections of a database: that of the lock, or all. */
const cut = (url: string, which: "the lock" | "all", ...before: ReadonlyArray<string>) =>
  ask(
    which === "all" ? addressOf("postgres") : url,
    ...before,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${nameOf(url)}' and pid <> pg_backend_pid()
       ${which === "all" ? "" : "and application_name like 'weir %'"}`
  )

const failing = load.pipe(Effect.flip, Effect.retry(Schedule.spaced("50 millis")))
const working = load.pipe(Effect.retry(Schedule.spaced("50 millis")))

describePostgres("PostgresLock", () => {
  it.live("tells a second process which process owns the database, before anything is read", () =>
    Effect.gen(function* () {
      const given = yield* place
      const child = yield* holder(given)
      const said = yield* opening({ ...given, env: { WEIR_MASTER_KEY: "no key at all" } })
      assert.match(
        said,
        /^DatabaseLocked: Storage at postgres:\/\/127\.0\.0\.1:\d+\/test_\w+ is in use by process \d+ on /
      )
      assert.include(said, `by process ${child.pid} on `)
      assert.match(said, / since \d{4}-\d\d-\d\dT/)
    })
  )

  it.live("keeps out a second opening in the same process too, and leaves other databases alone", () =>
    Effect.gen(function* () {
      const given = yield* place
      yield* Effect.gen(function* () {
        assert.match(yield* opening(given), new RegExp(`^DatabaseLocked: .* by process ${process.pid} `))
        assert.strictEqual(yield* opening({ ...given, url: yield* emptyDatabase }), "open")
        assert.deepStrictEqual(yield* load, [])
      }).pipe(Effect.provide(storageAt(given.url, given.folder, given.env)))
    })
  )

  it.live("says so when the owner does not tell who it is", () =>
    Effect.gen(function* () {
      const given = yield* place
      yield* Effect.forkScoped(ask(given.url, "select pg_advisory_lock(2003134834), pg_sleep(60)").pipe(Effect.ignore))
      const locks = `select 1 from pg_locks where locktype = 'advisory' and database =
        (select oid from pg_database where datname = '${nameOf(given.url)}')`
      yield* Effect.repeat(ask(given.url, locks), {
        schedule: Schedule.spaced("20 millis"),
        until: (rows) => rows.length > 0
      })
      assert.match(yield* opening(given), /is in use by another process$/)
    })
  )

  it.live("ends with its process, however that ends", () =>
    Effect.gen(function* () {
      const given = yield* place
      yield* (yield* holder(given)).end
      assert.strictEqual(yield* opening(given), "open")
      yield* (yield* holder(given)).kill
      assert.strictEqual(yield* opening(given), "open")
    })
  )

  it.live("lets nothing be read or written once it is lost, is taken again, and both is said", () =>
    Effect.gen(function* () {
      const given = yield* place
      const lines = yield* Queue.unbounded<string>()
      yield* Effect.gen(function* () {
        yield* load
        yield* cut(given.url, "the lock")
        const error = yield* failing
        assert.match(String(error.cause), /the lock of the database is lost/)
        yield* working
        assert.match(
          yield* Queue.take(lines),
          /^The lock of the database is lost: Storage at postgres:\/\/127\.0\.0\.1/
        )
        assert.strictEqual(yield* Queue.take(lines), "The lock of the database is held again")
      }).pipe(Effect.provide(storageAt(given.url, given.folder, given.env, (line) => Queue.offerUnsafe(lines, line))))
    })
  )

  it.live("is found again with the server, after it was away", () =>
    Effect.gen(function* () {
      const given = yield* place
      const database = nameOf(given.url)
      yield* Effect.gen(function* () {
        yield* SettingsStore.use((store) => store.save([{ section: "pool", member: "mode", value: "balanced" }]))
        yield* cut(given.url, "all", `alter database ${database} allow_connections false`)
        yield* failing
        yield* ask(addressOf("postgres"), `alter database ${database} allow_connections true`)
        assert.deepStrictEqual(yield* working, [{ section: "pool", member: "mode", value: "balanced" }])
      }).pipe(Effect.provide(storageAt(given.url, given.folder, given.env)))
    })
  )

  it.live("is not taken again where another process has owned the database meanwhile", () =>
    Effect.gen(function* () {
      const given = yield* place
      const lines = yield* Queue.unbounded<string>()
      yield* Effect.gen(function* () {
        yield* load
        yield* cut(given.url, "the lock", "update meta set value = 'another' where name = 'owner'")
        const said = Effect.repeat(Queue.take(lines), { until: (line) => line.startsWith("Another process") })
        assert.match(yield* said, /nothing is served before a restart$/)
        yield* Effect.flip(load)
        assert.strictEqual(yield* opening(given), "open")
        yield* Effect.flip(load)
      }).pipe(Effect.provide(storageAt(given.url, given.folder, given.env, (line) => Queue.offerUnsafe(lines, line))))
    })
  )
})
