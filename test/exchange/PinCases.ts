/**
 * PinCases: what every implementation of the store of pins must do.
 */
import { assert, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { PinStore } from "../../src/exchange/PinStore.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import type { StorageError } from "../../src/message/StorageError.ts"

const a = CredentialId.make("a")
const b = CredentialId.make("b")

/** @param layerOf a store that keeps so many of each kind */
export const pinStoreCases = <E>(layerOf: (most: number) => Layer.Layer<PinStore, E>) => {
  const test = (name: string, most: number, body: (store: PinStore["Service"]) => Effect.Effect<void, StorageError>) =>
    it.effect(name, () => Effect.provide(PinStore.use(body), layerOf(most)))

  test("knows whose each thing is, until it is removed", 10, (store) =>
    Effect.gen(function* () {
      yield* store.save([{ kind: "file", id: "file_1" }], a, 1)
      yield* store.save([{ kind: "thread", id: "msg_1" }], b, 1)
      assert.deepStrictEqual([yield* store.find("file_1"), yield* store.find("msg_1")], [a, b])
      yield* store.remove("file_1")
      yield* store.remove("file_1")
      assert.deepStrictEqual([yield* store.find("file_1"), yield* store.find("msg_1")], [null, b])
      assert.isNull(yield* store.find("nothing"))
    })
  )

  test("believes what was saved last", 10, (store) =>
    Effect.gen(function* () {
      yield* store.save([{ kind: "container", id: "id" }], a, 1)
      yield* store.save([{ kind: "container", id: "id" }], b, 2)
      assert.strictEqual(yield* store.find("id"), b)
    })
  )

  test("forgets the oldest of a kind past its bound, and none of another", 3, (store) =>
    Effect.gen(function* () {
      yield* store.save([{ kind: "batch", id: "other" }], b, 0)
      for (const n of [1, 2, 3]) yield* store.save([{ kind: "thread", id: `msg_${n}` }], a, n)
      // Saved again it is the newest; it takes no second place.
      yield* store.save([{ kind: "thread", id: "msg_1" }], a, 4)
      assert.strictEqual(yield* store.find("msg_2"), a)
      yield* store.save([{ kind: "thread", id: "msg_4" }], a, 5)
      yield* store.save([{ kind: "thread", id: "msg_5" }], a, 6)
      const found = yield* Effect.forEach([1, 2, 3, 4, 5], (n) => store.find(`msg_${n}`))
      assert.deepStrictEqual(found, [a, null, null, a, a])
      assert.strictEqual(yield* store.find("other"), b)
    })
  )

  test("has room again for as many as were removed", 2, (store) =>
    Effect.gen(function* () {
      for (const n of [1, 2]) yield* store.save([{ kind: "file", id: `file_${n}` }], a, n)
      yield* store.remove("file_1")
      yield* store.save([{ kind: "file", id: "file_3" }], a, 3)
      assert.deepStrictEqual([yield* store.find("file_2"), yield* store.find("file_3")], [a, a])
    })
  )

  test("keeps the newest where many are of one moment", 2, (store) =>
    Effect.gen(function* () {
      for (const n of [3, 2, 1]) yield* store.save([{ kind: "file", id: `file_${n}` }], a, 7)
      assert.strictEqual(yield* store.find("file_1"), a)
    })
  )
}
