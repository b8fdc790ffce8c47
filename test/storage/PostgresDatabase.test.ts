import { assert, it } from "@effect/vitest"
import { Effect, Redacted, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { readdir, stat, writeFile } from "node:fs/promises"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import { isSignedIn } from "../../src/message/Credential.ts"
import * as MasterKey from "../../src/storage/MasterKey.ts"
import * as MasterKeyRotation from "../../src/storage/MasterKeyRotation.ts"
import * as Child from "./Child.ts"
import { everyKind, plain, social } from "./StoreCases.ts"
import { environment, tempFolder } from "./TestDatabase.ts"
import { addressOf, ask, describePostgres, emptyDatabase, nameOf, password, storageAt } from "./TestPostgres.ts"

type Env = Record<string, string>

const newKey = Effect.map(MasterKey.generate, (key): Env => ({
  WEIR_MASTER_KEY: key.secret.export().toString("base64")
}))

const fill = Effect.gen(function* () {
  const credentials = yield* CredentialStore
  yield* Effect.forEach(everyKind, (credential) => credentials.add({ credential, fingerprint: credential.id }))
  yield* SettingsStore.use((store) => store.save([{ section: "pool", member: "maxInflight", value: 3 }]))
})

/** All that is stored, secrets in clear. */
const content = Effect.gen(function* () {
  const credentials = yield* CredentialStore.use((store) => store.load)
  return [plain(credentials), yield* SettingsStore.use((store) => store.load)]
})

/** Why a database does not open; `open` where it does. */
const whyNot = (url: string, folder: string, env: Env) =>
  CredentialStore.useSync(() => "open").pipe(
    Effect.provide(storageAt(url, folder, env)),
    Effect.catch((error) => {
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, password)
      return Effect.succeed(error._tag === "StorageUnusable" ? `${error.reason}: ${error.why}` : error._tag)
    })
  )

/** Every row of every table. */
const rowsOf = (url: string) =>
  Effect.gen(function* () {
    const tables = yield* ask(
      url,
      "select table_name as name from information_schema.tables where table_schema = 'public'"
    )
    const rows = yield* Effect.forEach(tables, ({ name }) => ask(url, `select t::text from ${String(name)} t`))
    return JSON.stringify([tables, rows])
  })

/** A name that can connect to a database and nothing more. */
const guest = (url: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const role = `guest_${nameOf(url)}`
      return Effect.as(ask(url, `create role ${role} login password 'guest password'`), role)
    }),
    (role) => ask(addressOf("postgres"), `drop role ${role}`)
  ).pipe(
    Effect.map((role) => {
      const address = new URL(url)
      address.username = role
      address.password = "guest%20password"
      return address.href
    })
  )

describePostgres("PostgresDatabase", () => {
  it.live("says in one line why a database cannot be opened, without the password", () =>
    Effect.gen(function* () {
      const [url, folder, env] = [yield* emptyDatabase, yield* tempFolder, yield* newKey]
      const away = url.replace(/:\d+\//, ":1/")
      assert.strictEqual(yield* whyNot(away, folder, env), "unreachable: the server cannot be reached (ECONNREFUSED)")
      assert.strictEqual(
        yield* whyNot(url.replace(password, `not${password}`), folder, env),
        "refused: the server refused the user name or the password"
      )
      assert.strictEqual(
        yield* whyNot(addressOf("nothing_here"), folder, env),
        "refused: the server has no such database; make it first"
      )
      assert.strictEqual(
        yield* whyNot(yield* guest(url), folder, env),
        "refused: its user may not make or change tables there"
      )
      assert.match(yield* whyNot(`${url}?options=-c%20default_transaction_read_only%3Don`, folder, env), /^read_only: /)
    })
  )

  it.live("asks for a master key, which has no place beside the database, and writes nothing without", () =>
    Effect.gen(function* () {
      const [url, folder] = [yield* emptyDatabase, yield* tempFolder]
      assert.strictEqual(
        yield* whyNot(url, folder, {}),
        "master_key: it needs a master key: set WEIR_MASTER_KEY (32 bytes in base64) or storage.masterKeyFile"
      )
      assert.strictEqual(yield* rowsOf(url), "[[],[]]")
    })
  )

  it.live("writes nothing when the key is a wrong one, or no key", () =>
    Effect.gen(function* () {
      const [url, folder, env] = [yield* emptyDatabase, yield* tempFolder, yield* newKey]
      yield* Effect.provide(fill, storageAt(url, folder, env))
      const before = yield* rowsOf(url)
      assert.match(yield* whyNot(url, folder, yield* newKey), /^master_key: its secrets are sealed under/)
      assert.match(yield* whyNot(url, folder, { WEIR_MASTER_KEY: "short" }), /^master_key: WEIR_MASTER_KEY must hold/)
      assert.match(yield* whyNot(url, folder, {}), /^master_key: it needs a master key/)
      assert.strictEqual(yield* rowsOf(url), before)
      assert.strictEqual(yield* whyNot(url, folder, env), "open")
    })
  )

  it.live("refuses tables that a newer version made", () =>
    Effect.gen(function* () {
      const [url, folder, env] = [yield* emptyDatabase, yield* tempFolder, yield* newKey]
      yield* Effect.provide(fill, storageAt(url, folder, env))
      yield* ask(url, "insert into weir_migrations (migration_id, name) values (9999, 'from the future')")
      assert.match(yield* whyNot(url, folder, env), /^newer: a newer version of this program wrote it/)
    })
  )

  it.live("keeps what is stored, and its journal for its owner's eyes only, by whatever address it goes", () =>
    Effect.gen(function* () {
      const [url, folder, env] = [yield* emptyDatabase, yield* tempFolder, yield* newKey]
      yield* Effect.provide(fill, storageAt(url, folder, env))
      const before = yield* Effect.provide(content, storageAt(url, folder, env))
      const other = `${url.replace("postgres:", "postgresql:")}?connect_timeout=3`
      assert.deepStrictEqual(yield* Effect.provide(content, storageAt(other, folder, env)), before)
      yield* Effect.provide(content, storageAt(yield* emptyDatabase, folder, env))
      const names = yield* Effect.promise(() => readdir(`${folder}/journal`))
      assert.strictEqual(names.length, 2)
      const modeOf = (path: string) => Effect.promise(async () => (await stat(`${folder}/${path}`)).mode & 0o777)
      assert.strictEqual(yield* modeOf("journal"), 0o700)
      for (const name of names) {
        assert.match(name, /^weir-[0-9a-f-]{36}\.journal$/)
        assert.strictEqual(yield* modeOf(`journal/${name}`), 0o600)
      }
    })
  )

  it.live("says why the journal cannot be opened", () =>
    Effect.gen(function* () {
      const [url, folder, env] = [yield* emptyDatabase, yield* tempFolder, yield* newKey]
      yield* Effect.promise(() => writeFile(`${folder}/journal`, ""))
      assert.match(yield* whyNot(url, folder, env), /^directory: could not make the folder \(EEXIST\)/)
    })
  )

  it.live("gives whole numbers as numbers, and what is no longer exact as no number", () =>
    Effect.gen(function* () {
      const [url, folder, env] = [yield* emptyDatabase, yield* tempFolder, yield* newKey]
      const rows = yield* SqlClient.SqlClient.use(
        (sql) => sql`select ${Number.MAX_SAFE_INTEGER} as a, count(*) as b, 9007199254740993 as c, ${-5} as d`
      ).pipe(Effect.provide(storageAt(url, folder, env)))
      assert.deepStrictEqual(rows, [{ a: Number.MAX_SAFE_INTEGER, b: 1, c: 9007199254740993n, d: -5 }])
    })
  )

  it.live("is given a new master key by WEIR_MASTER_KEY or by a file", () =>
    Effect.gen(function* () {
      const [url, folder] = [yield* emptyDatabase, yield* tempFolder]
      const [{ WEIR_MASTER_KEY: older = "" }, { WEIR_MASTER_KEY: newer = "" }] = [yield* newKey, yield* newKey]
      const rotate = (masterKeyFile: string | undefined, env: Env) =>
        MasterKeyRotation.rotate({ url, masterKeyFile, journalFolder: folder }).pipe(Effect.provide(environment(env)))
      yield* Effect.provide(fill, storageAt(url, folder, { WEIR_MASTER_KEY: older }))
      const before = yield* Effect.provide(content, storageAt(url, folder, { WEIR_MASTER_KEY: older }))
      const alone = yield* Effect.flip(rotate(undefined, { WEIR_MASTER_KEY: older }))
      assert.match(alone.message, /WEIR_MASTER_KEY holds one key; put the new one before it/)
      const { resealed } = yield* rotate(undefined, { WEIR_MASTER_KEY: `${newer} ${older}` })
      assert.strictEqual(resealed, 10)
      assert.deepStrictEqual(yield* Effect.provide(content, storageAt(url, folder, { WEIR_MASTER_KEY: newer })), before)
      yield* Effect.promise(() => writeFile(`${folder}/weir.key`, newer, { mode: 0o600 }))
      const { keyId } = yield* rotate(`${folder}/weir.key`, {})
      assert.notStrictEqual(keyId, MasterKey.parse(newer, "")?.current.id)
      assert.match(yield* whyNot(url, folder, { WEIR_MASTER_KEY: newer }), /^master_key: /)
    })
  )

  it.live("loses no rotated token that was saved to a kill -9", () =>
    Effect.gen(function* () {
      const [url, folder, env] = [yield* emptyDatabase, yield* tempFolder, yield* newKey]
      const credential = social("one", { refreshToken: Redacted.make("first") })
      const added = CredentialStore.use((store) => store.add({ credential, fingerprint: "one" }))
      yield* Effect.provide(added, storageAt(url, folder, env))
      for (const rotations of [1, 5]) {
        const child = yield* Child.start("OpenStorage.ts", { args: [url, "rotate", "one"], env, cwd: folder })
        assert.strictEqual(yield* child.line, "open")
        let saved = "0"
        for (let rotation = 0; rotation < rotations; rotation++) saved = yield* child.line
        yield* child.kill
        const stored = yield* Effect.provide(
          CredentialStore.use((store) => store.load),
          storageAt(url, folder, env)
        )
        const tokens = stored.map(({ credential }) => isSignedIn(credential) && Redacted.value(credential.refreshToken))
        assert.strictEqual(tokens.length, 1)
        assert.isAtLeast(Number(tokens[0]), Number(saved))
      }
    })
  )
})
