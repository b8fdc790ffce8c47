import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import { StorageError } from "../../src/message/StorageError.ts"
import { Durability, makeSyncing } from "../../src/storage/Durability.ts"
import { tempFolder } from "./TestDatabase.ts"

const full = new StorageError({ operation: "sync to disk", cause: "no space" })

/** A log that tells how often it was synced, and fails while it is told to. */
const fakeLog = Effect.gen(function* () {
  const modified = yield* Ref.make(0)
  const syncs = yield* Ref.make(0)
  const failing = yield* Ref.make(false)
  const log = {
    modified: Ref.get(modified),
    sync: Effect.andThen(
      Ref.update(syncs, (count) => count + 1),
      Effect.flatMap(Ref.get(failing), (fails) => (fails ? Effect.fail(full) : Effect.void))
    )
  }
  const write = Effect.clockWith((clock) => Ref.set(modified, clock.currentTimeMillisUnsafe()))
  return { log, write, failing, syncs: Ref.get(syncs) }
})

describe("Durability", () => {
  it.effect("syncs once a second while the log changes, and not while it rests", () =>
    Effect.gen(function* () {
      const { log, syncs, write } = yield* fakeLog
      yield* TestClock.adjust("10 seconds")
      yield* makeSyncing(log)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* syncs, 0)
      for (let second = 1; second <= 3; second++) {
        yield* write
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* syncs, second)
      }
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* syncs, 3)
    })
  )

  it.effect("syncs before a flush returns, and says when the disk refused", () =>
    Effect.gen(function* () {
      const { failing, log, syncs } = yield* fakeLog
      const { flush } = yield* makeSyncing(log)
      yield* flush
      assert.strictEqual(yield* syncs, 1)
      yield* Ref.set(failing, true)
      assert.strictEqual(yield* Effect.flip(flush), full)
    })
  )

  it.effect("tries again a second later when the disk refused in the background", () =>
    Effect.gen(function* () {
      const { failing, log, syncs, write } = yield* fakeLog
      yield* TestClock.adjust("10 seconds")
      yield* Ref.set(failing, true)
      yield* write
      yield* makeSyncing(log)
      yield* TestClock.adjust("3 seconds")
      const refused = yield* syncs
      assert.isAtLeast(refused, 3)
      yield* Ref.set(failing, false)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* syncs, refused + 1)
    })
  )

  it.effect("ends with its scope", () =>
    Effect.gen(function* () {
      const { log, syncs, write } = yield* fakeLog
      yield* TestClock.adjust("10 seconds")
      const scope = yield* Scope.make()
      yield* Scope.provide(makeSyncing(log), scope)
      yield* Scope.close(scope, Exit.void)
      yield* write
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* syncs, 0)
    })
  )

  it.effect("names the log that is not there", () =>
    Effect.gen(function* () {
      const path = `${yield* tempFolder}/weir.db`
      const error = yield* Effect.flip(Layer.build(Durability.layerWal(path)))
      assert.strictEqual(
        error.message,
        `Storage at ${path}-wal is unusable: could not open the write-ahead log (ENOENT)`
      )
    })
  )
})
