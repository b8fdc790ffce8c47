import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rm, symlink } from "node:fs/promises"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as Child from "./Child.ts"
import { storageIn, tempFolder } from "./TestDatabase.ts"

/** What opening the storage comes to: `open`, or the error's message. */
const opening = (folder: string, env?: Record<string, string>) =>
  CredentialStore.use((store) => store.load).pipe(
    Effect.as("open"),
    Effect.provide(storageIn(folder, env)),
    Effect.catch((error) => Effect.succeed(`${error._tag}: ${error.message}`))
  )

const holder = Effect.fnUntraced(function* (folder: string) {
  const child = yield* Child.start("OpenStorage.ts", { args: [`sqlite:${folder}/weir.db`] })
  assert.strictEqual(yield* child.line, "open")
  return child
})

describe("DatabaseLock", () => {
  it.live("tells a second process which process owns the database", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const child = yield* holder(folder)
      const said = yield* opening(folder)
      assert.match(said, /^DatabaseLocked: Storage at \S+\/weir\.db is in use by process \d+ on \S+ since \d{4}-/)
      assert.include(said, `by process ${child.pid} on `)
    })
  )

  it.live("is taken before anything is read: not even a wrong key shows while another process owns the database", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* holder(folder)
      assert.match(yield* opening(folder, { WEIR_MASTER_KEY: "no key at all" }), /^DatabaseLocked: /)
    })
  )

  it.live("is one lock whatever name the file goes by", () =>
    Effect.gen(function* () {
      const [folder, elsewhere] = [yield* tempFolder, yield* tempFolder]
      yield* holder(folder)
      yield* Effect.promise(() => symlink(`${folder}/weir.db`, `${elsewhere}/weir.db`))
      assert.match(yield* opening(elsewhere), /^DatabaseLocked: /)
    })
  )

  it.live("keeps out a second opening in the same process too, and keeps its own lock then", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* Effect.gen(function* () {
        yield* CredentialStore
        assert.match(yield* opening(folder), new RegExp(`^DatabaseLocked: .* by process ${process.pid} `))
        const other = yield* Child.start("OpenStorage.ts", { args: [`sqlite:${folder}/weir.db`] })
        assert.include(yield* other.line, `by process ${process.pid} `)
      }).pipe(Effect.provide(storageIn(folder)))
    })
  )

  it.live("says so when the owner does not tell who it is", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* holder(folder)
      yield* Effect.promise(() => rm(`${folder}/weir.db.owner`))
      assert.match(yield* opening(folder), /is in use by another process$/)
    })
  )

  it.live("ends with its process, however that ends", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* (yield* holder(folder)).end
      assert.strictEqual(yield* opening(folder), "open")
      yield* (yield* holder(folder)).kill
      assert.strictEqual(yield* opening(folder), "open")
    })
  )
})
