import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFile, stat, writeFile } from "node:fs/promises"
import * as MasterKey from "../../src/storage/MasterKey.ts"
import { environment, tempFolder } from "./TestDatabase.ts"

const zeros = Buffer.alloc(32).toString("base64")
const ones = Buffer.alloc(32, 1).toString("base64")

const obtain = (file: string | null, sealedUnder: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  MasterKey.obtain({ database: "/data/weir.db", file, sealedUnder }).pipe(Effect.provide(environment(env)))

describe("MasterKey", () => {
  it.effect("makes a key file that only its owner can read, and finds the same key again", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/new/master.key`
      const made = yield* obtain(file, [])
      const found = yield* obtain(file, [made.current.id])
      assert.strictEqual(found.current.id, made.current.id)
      assert.strictEqual((yield* Effect.promise(() => stat(file))).mode & 0o777, 0o600)
    })
  )

  it.effect("makes no key while secrets are sealed under another, and says which is missing", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/master.key`
      const error = yield* Effect.flip(obtain(file, ["0123456789abcdef"]))
      assert.strictEqual(error.reason, "master_key")
      assert.strictEqual(
        error.message,
        "Storage at /data/weir.db is unusable: its secrets are sealed under master key 0123456789abcdef, and neither " +
          `WEIR_MASTER_KEY nor ${file} is there; restore the key, or start with an empty database`
      )
      assert.isTrue(yield* Effect.isFailure(Effect.tryPromise(() => stat(file))))
    })
  )

  it.effect("says which key it has when that is the wrong one, and never the key itself", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/master.key`
      yield* Effect.promise(() => writeFile(file, zeros, { mode: 0o600 }))
      const error = yield* Effect.flip(obtain(file, ["0123456789abcdef"]))
      assert.match(error.why, /sealed under master key 0123456789abcdef, and \S+master\.key holds [0-9a-f]{16};/)
      assert.notInclude(JSON.stringify(error), zeros)
    })
  )

  it.effect("prefers WEIR_MASTER_KEY and then neither reads nor makes a file", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/master.key`
      const ring = yield* obtain(file, [], { WEIR_MASTER_KEY: ones })
      assert.strictEqual(ring.source, "WEIR_MASTER_KEY")
      assert.strictEqual(ring.current.id, MasterKey.parse(ones, "")?.current.id)
      assert.isTrue(yield* Effect.isFailure(Effect.tryPromise(() => stat(file))))
    })
  )

  it.effect("takes an empty WEIR_MASTER_KEY for none", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/master.key`
      assert.strictEqual((yield* obtain(file, [], { WEIR_MASTER_KEY: "" })).source, file)
      const other = `${yield* tempFolder}/master.key`
      const error = yield* Effect.flip(obtain(other, ["0123456789abcdef"], { WEIR_MASTER_KEY: "" }))
      assert.match(error.why, /neither WEIR_MASTER_KEY nor \S+ is there/)
    })
  )

  it.effect("asks for a key where there is no place for a file", () =>
    Effect.gen(function* () {
      for (const sealedUnder of [[], ["0123456789abcdef"]]) {
        const error = yield* Effect.flip(obtain(null, sealedUnder, { WEIR_MASTER_KEY: "" }))
        assert.strictEqual(
          error.why,
          "it needs a master key: set WEIR_MASTER_KEY (32 bytes in base64) or storage.masterKeyFile"
        )
      }
      assert.strictEqual((yield* obtain(null, [], { WEIR_MASTER_KEY: ones })).source, "WEIR_MASTER_KEY")
    })
  )

  it.effect("refuses a blank or malformed key and does not repeat it", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/master.key`
      for (const text of [
        "  ",
        "hunter2",
        Buffer.alloc(31).toString("base64"),
        `${zeros} hunter2`,
        zeros.slice(0, -2)
      ]) {
        const error = yield* Effect.flip(obtain(file, [], { WEIR_MASTER_KEY: text }))
        assert.strictEqual(error.why, "WEIR_MASTER_KEY must hold a master key of 32 bytes in base64")
      }
    })
  )

  it.effect("refuses a key file that is far too large without reading it", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/master.key`
      yield* Effect.promise(() => writeFile(file, Buffer.alloc(100_000)))
      assert.match((yield* Effect.flip(obtain(file, []))).why, /could not read the master key/)
    })
  )

  it.effect("writes the keys so that the first one seals and all open", () =>
    Effect.gen(function* () {
      const file = `${yield* tempFolder}/master.key`
      const keys = [yield* MasterKey.generate, yield* MasterKey.generate] as const
      yield* MasterKey.write(file, keys)
      const ring = MasterKey.parse(yield* Effect.promise(() => readFile(file, "utf8")), file)
      assert.strictEqual(ring?.current.id, keys[0].id)
      assert.deepStrictEqual(
        [...(ring?.all.keys() ?? [])],
        keys.map(({ id }) => id)
      )
    })
  )

  it("takes at most sixteen keys", () => {
    assert.isDefined(MasterKey.parse(Array.from({ length: 16 }, () => zeros).join(" "), ""))
    assert.isUndefined(MasterKey.parse(Array.from({ length: 17 }, () => zeros).join(" "), ""))
  })
})
