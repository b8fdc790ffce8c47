import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises"
import * as PrivateFile from "../../src/storage/PrivateFile.ts"
import { tempFolder } from "./TestDatabase.ts"

const text = (path: string) => Effect.promise(() => readFile(path, "utf8"))

describe("PrivateFile", () => {
  it.effect("replaces a file as a whole, for its owner's eyes only, and leaves nothing beside it", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const file = `${folder}/key`
      yield* Effect.promise(() => writeFile(file, "old and longer", { mode: 0o644 }))
      yield* PrivateFile.replace(file, "new", "write the key")
      assert.strictEqual(yield* text(file), "new")
      assert.strictEqual((yield* Effect.promise(() => stat(file))).mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), ["key"])
    })
  )

  it.effect("takes no wider mode or older text from what a crash left behind", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/key`
      yield* Effect.promise(() => writeFile(`${file}.new`, "left behind, and long", { mode: 0o644 }))
      yield* PrivateFile.replace(file, "new", "write the key")
      assert.strictEqual(yield* text(file), "new")
      assert.strictEqual((yield* Effect.promise(() => stat(file))).mode & 0o777, 0o600)
    })
  )

  it.effect("keeps the old text when the new cannot be written", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const error = yield* Effect.flip(PrivateFile.replace(`${folder}/absent/key`, "new", "write the key"))
      assert.match(error.message, /could not write the key \(ENOENT\)$/)
    })
  )

  it.effect("tells text and mode of a file, none of one that is not there, and refuses a large one", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/key`
      assert.isTrue(Option.isNone(yield* PrivateFile.read(file, "read the key")))
      yield* Effect.promise(() => writeFile(file, "text"))
      yield* Effect.promise(() => chmod(file, 0o640))
      assert.deepStrictEqual(
        Option.getOrUndefined(
          Option.map(yield* PrivateFile.read(file, "read the key"), ({ mode, text }) => [text, mode])
        ),
        ["text", 0o640]
      )
      yield* Effect.promise(() => writeFile(file, Buffer.alloc(64 * 1024 + 1)))
      assert.match((yield* Effect.flip(PrivateFile.read(file, "read the key"))).why, /over 65536 bytes/)
      assert.match((yield* Effect.flip(PrivateFile.read(`${file}/below`, "read the key"))).why, /ENOTDIR/)
    })
  )
})
