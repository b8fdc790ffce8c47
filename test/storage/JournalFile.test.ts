import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { appendFile, readdir, readFile, stat } from "node:fs/promises"
import { JournalStore } from "../../src/ledger/JournalStore.ts"
import * as JournalFile from "../../src/storage/JournalFile.ts"
import { tempFolder } from "./TestDatabase.ts"

const inFolder = <A, E>(folder: string, use: (journal: JournalStore["Service"]) => Effect.Effect<A, E>) =>
  Effect.provide(JournalStore.use(use), JournalFile.layer(`${folder}/weir.db.journal`), { local: true })

const contentOf = (folder: string) => Effect.promise(() => readFile(`${folder}/weir.db.journal`, "utf8"))

describe("JournalFile", () => {
  it.live("holds what was appended as soon as that returns, and for the next who opens it", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* inFolder(folder, (journal) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* journal.load, [])
          assert.isTrue(Result.isSuccess(journal.append("one\ntwo é\n")))
          assert.strictEqual(yield* contentOf(folder), "one\ntwo é\n")
        })
      )
      yield* Effect.promise(() => appendFile(`${folder}/weir.db.journal`, "three\ncut off"))
      yield* inFolder(folder, (journal) =>
        Effect.map(journal.load, (lines) => assert.deepStrictEqual(lines, ["one", "two é", "three", "cut off"]))
      )
    })
  )

  it.live("is replaced as a whole, goes on from there, and leaves no other file", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      yield* inFolder(folder, (journal) =>
        Effect.gen(function* () {
          journal.append("one\n")
          assert.isTrue(Result.isSuccess(journal.replace("two\n")))
          journal.append("three\n")
          assert.strictEqual(yield* contentOf(folder), "two\nthree\n")
          assert.deepStrictEqual(yield* journal.load, ["two", "three"])
        })
      )
      const files = yield* Effect.promise(() => readdir(folder))
      assert.deepStrictEqual(files, ["weir.db.journal"])
      const { mode } = yield* Effect.promise(() => stat(`${folder}/weir.db.journal`))
      assert.strictEqual(mode & 0o777, 0o600)
    })
  )

  it.live("says why it cannot be opened", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const error = yield* Effect.flip(inFolder(`${folder}/absent`, () => Effect.void))
      assert.match(String(error), /could not open the journal \(ENOENT\)/)
    })
  )
})
