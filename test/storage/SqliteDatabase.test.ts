import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { DatabaseSync } from "node:sqlite"
import { SettingsStore } from "../../src/config/SettingsStore.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import { growing } from "../../src/storage/Migrations.ts"
import * as Child from "./Child.ts"
import { social } from "./StoreCases.ts"
import { storageIn, tempFolder } from "./TestDatabase.ts"

const fill = CredentialStore.use((store) => store.add({ credential: social("one"), fingerprint: "one" }))

/** Why the storage in a folder does not open; `open` where it does. */
const whyNot = (folder: string, env: Record<string, string> = {}) =>
  CredentialStore.useSync(() => "open").pipe(
    Effect.provide(storageIn(folder, env)),
    Effect.catch((error) =>
      Effect.succeed(error._tag === "StorageUnusable" ? `${error.reason}: ${error.why}` : error._tag)
    )
  )

const file = <A>(run: () => Promise<A>) => Effect.promise(run)

const modeOf = (path: string) =>
  Effect.map(
    file(() => stat(path)),
    ({ mode }) => mode & 0o777
  )

/** Every file of a folder with its bytes. */
const contentOf = (folder: string) =>
  file(async () => {
    const names = (await readdir(folder)).toSorted()
    return Promise.all(names.map(async (name) => `${name} ${(await readFile(`${folder}/${name}`)).toString("hex")}`))
  })

/** A folder with a database that holds a credential, closed. */
const filled = Effect.gen(function* () {
  const folder = yield* tempFolder
  yield* Effect.provide(fill, storageIn(folder))
  return folder
})

describe("SqliteDatabase", () => {
  it.live("makes folder, database and key for its owner's eyes only, and cleans up after itself", () =>
    Effect.gen(function* () {
      const folder = `${yield* tempFolder}/not/yet`
      yield* Effect.provide(fill, storageIn(folder))
      assert.strictEqual(yield* modeOf(folder), 0o700)
      assert.strictEqual(yield* modeOf(`${folder}/weir.db`), 0o600)
      assert.strictEqual(yield* modeOf(`${folder}/master.key`), 0o600)
      assert.deepStrictEqual((yield* file(() => readdir(folder))).toSorted(), [
        "master.key",
        "weir.db",
        "weir.db.journal",
        "weir.db.lock"
      ])
      assert.strictEqual(yield* modeOf(`${folder}/weir.db.journal`), 0o600)
    })
  )

  it.live("writes nothing when the key is a wrong one, missing, or no key", () =>
    Effect.gen(function* () {
      const folder = yield* filled
      const before = yield* contentOf(folder)
      const wrong = Buffer.alloc(32, 7).toString("base64")
      assert.match(yield* whyNot(folder, { WEIR_MASTER_KEY: wrong }), /^master_key: its secrets are sealed under/)
      assert.match(yield* whyNot(folder, { WEIR_MASTER_KEY: "short" }), /^master_key: WEIR_MASTER_KEY must hold/)
      assert.deepStrictEqual(yield* contentOf(folder), before)

      yield* file(() => rm(`${folder}/master.key`))
      assert.match(yield* whyNot(folder), /^master_key: .*; restore the key, or start with an empty database$/)
      const rest = before.filter((line) => !line.startsWith("master.key"))
      assert.deepStrictEqual(yield* contentOf(folder), rest)
    })
  )

  it.live("also misses the key of settings alone", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const save = SettingsStore.use((store) => store.save([{ section: "pool", member: "mode", value: "balanced" }]))
      yield* Effect.provide(save, storageIn(folder))
      yield* file(() => rm(`${folder}/master.key`))
      assert.match(yield* whyNot(folder), /^master_key: /)
    })
  )

  it.live("says that a file is no database, and leaves it as it is", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* file(() => writeFile(`${folder}/weir.db`, "I am a letter. ".repeat(1000)))
      assert.strictEqual(yield* whyNot(folder), "corrupt: the file is not a database")
      const text = yield* file(() => readFile(`${folder}/weir.db`, "utf8"))
      assert.strictEqual(text, "I am a letter. ".repeat(1000))
    })
  )

  it.live("says that a database is damaged, whichever page is of those that the start needs", () =>
    Effect.gen(function* () {
      const folder = yield* filled
      const whole = yield* file(() => readFile(`${folder}/weir.db`))
      const unseen: Array<number> = []
      for (let page = 1; page * 4096 < whole.length; page++) {
        const damaged = Buffer.from(whole).fill(0x5a, page * 4096, (page + 1) * 4096)
        yield* file(() => writeFile(`${folder}/weir.db`, damaged))
        const why = yield* whyNot(folder)
        if (!why.startsWith("corrupt: ")) unseen.push(page)
      }
      assert.isAbove(whole.length / 4096, 10)
      yield* file(() => writeFile(`${folder}/weir.db`, whole))
      const db = new DatabaseSync(`${folder}/weir.db`)
      const names = growing.map((name) => `'${name}'`).join(", ")
      const pages = db
        .prepare(`select pageno from dbstat d join sqlite_schema s on s.name = d.name where s.tbl_name in (${names})`)
        .all()
        .map(({ pageno }) => Number(pageno) - 1)
      db.close()
      // The second page says which page belongs to which: only giving space back reads it.
      assert.deepStrictEqual(
        unseen,
        [1, ...pages].toSorted((a, b) => a - b)
      )
      assert.strictEqual(yield* whyNot(folder), "open")
    })
  )

  it.live("refuses what a newer version wrote, and leaves it as it is", () =>
    Effect.gen(function* () {
      const folder = yield* filled
      const db = new DatabaseSync(`${folder}/weir.db`)
      db.exec("insert into weir_migrations (migration_id, name) values (9999, 'future')")
      db.close()
      const before = yield* contentOf(folder)
      assert.match(yield* whyNot(folder), /^newer: a newer version of this program wrote it/)
      assert.deepStrictEqual(yield* contentOf(folder), before)
    })
  )

  it.live("names the folder or file that cannot be made or written", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* file(() => writeFile(`${folder}/plain`, ""))
      assert.match(yield* whyNot(`${folder}/plain`), /^directory: could not make the folder \(EEXIST\)$/)
      assert.match(yield* whyNot(`${folder}/plain/below`), /^directory: could not make the folder \(ENOTDIR\)$/)
      yield* file(() => mkdir(`${folder}/weir.db`))
      assert.match(yield* whyNot(folder), /^(io|directory|corrupt): /)
    })
  )

  it.live("says that a folder or a file takes no writes", () =>
    Effect.gen(function* () {
      const folder = yield* filled
      const say = Effect.gen(function* () {
        const child = yield* Child.start("OpenStorage.ts", { args: [`sqlite:${folder}/weir.db`], unprivileged: true })
        return yield* child.line
      })
      yield* file(() => chmod(`${folder}/weir.db`, 0o666))
      yield* file(() => chmod(folder, 0o555))
      assert.match(
        yield* say,
        /"reason":"read_only","why":"could not write to the database file and its folder \(EACCES\)"/
      )
      yield* file(() => chmod(`${folder}/weir.db`, 0o444))
      yield* file(() => chmod(folder, 0o777))
      assert.match(
        yield* say,
        /"reason":"read_only","why":"could not write to the database file and its folder \(EACCES\)"/
      )
      yield* file(() => chmod(folder, 0o555))
      yield* file(() => rm(`${folder}/weir.db`))
      assert.match(yield* say, /"reason":"read_only","why":"could not make the database file \(EACCES\)"/)
      yield* file(() => chmod(folder, 0o700))
    })
  )

  it.live("opens a copy of a database with a copy of its key", () =>
    Effect.gen(function* () {
      const [folder, copy] = [yield* filled, yield* tempFolder]
      for (const name of ["weir.db", "master.key"]) {
        yield* file(() => copyFile(`${folder}/${name}`, `${copy}/${name}`))
      }
      const loaded = CredentialStore.use((store) => store.load)
      assert.strictEqual((yield* Effect.provide(loaded, storageIn(copy))).length, 1)
    })
  )
})
