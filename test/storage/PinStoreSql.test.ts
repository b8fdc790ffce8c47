import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { PinStore } from "../../src/exchange/PinStore.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import * as PinStoreSql from "../../src/storage/PinStoreSql.ts"
import { pinStoreCases } from "../exchange/PinCases.ts"
import { memory, storageIn, tempFolder } from "./TestDatabase.ts"

const a = CredentialId.make("a")

describe("PinStoreSql", () => {
  pinStoreCases((most) => PinStoreSql.layerOf(most).pipe(Layer.provide(memory)))

  it.effect("knows after a start what was saved before it, and how much of it there is", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const opened = <A, E>(most: number, body: (store: PinStore["Service"]) => Effect.Effect<A, E>) =>
        PinStore.use(body).pipe(
          Effect.provide(Layer.fresh(PinStoreSql.layerOf(most)).pipe(Layer.provide(storageIn(folder))))
        )
      yield* opened(10, (store) =>
        Effect.forEach([1, 2, 3, 4], (n) => store.save([{ kind: "file", id: `file_${n}` }], a, n))
      )
      const found = yield* opened(2, (store) =>
        Effect.andThen(
          store.save([{ kind: "file", id: "file_5" }], a, 5),
          Effect.forEach([1, 2, 3, 4, 5], (n) => store.find(`file_${n}`))
        )
      )
      assert.deepStrictEqual(found, [null, null, null, a, a])
    })
  )

  it.effect("has forgotten nothing where a save failed", () =>
    Effect.gen(function* () {
      const store = yield* PinStore
      const sql = yield* SqlClient.SqlClient
      yield* store.save([{ kind: "file", id: "file_1" }], a, 1)
      yield* sql`create trigger full_disk before delete on pins begin select raise(abort, 'full'); end`
      assert.strictEqual(
        (yield* Effect.flip(store.save([{ kind: "file", id: "file_2" }], a, 2))).operation,
        "save pins"
      )
      yield* sql`drop trigger full_disk`
      assert.deepStrictEqual([yield* store.find("file_1"), yield* store.find("file_2")], [a, null])
      yield* store.save([{ kind: "file", id: "file_3" }], a, 3)
      assert.deepStrictEqual([yield* store.find("file_1"), yield* store.find("file_3")], [null, a])
    }).pipe(Effect.provide(PinStoreSql.layerOf(1).pipe(Layer.provideMerge(memory))))
  )
})
