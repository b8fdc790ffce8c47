import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Result, Schema } from "effect"
import { Flag, Instant, Integer } from "../../src/storage/Columns.ts"
import { RowUnreadable, rowReader, valueWriter } from "../../src/storage/StorageFailure.ts"

describe("Columns", () => {
  it.prop("reads whole numbers as numbers and as text, as the two databases return them", [Schema.Int], ([number]) => {
    const decode = Schema.decodeUnknownSync(Integer)
    assert.strictEqual(decode(number), number)
    assert.strictEqual(decode(String(number)), number)
    assert.strictEqual(Schema.encodeSync(Integer)(number), number)
  })

  it("refuses what is no whole number, or too large to be counted exactly", () => {
    for (const odd of ["9007199254740993", "1.5", "x", null, 1.5]) {
      assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Integer)(odd)), String(odd))
    }
  })

  it("keeps times to the millisecond, and yes or no", () => {
    const time = DateTime.makeUnsafe("2026-02-03T04:05:06.789Z")
    const column = Schema.encodeSync(Instant)(time)
    assert.strictEqual(column, 1770091506789)
    assert.isTrue(DateTime.Equivalence(Schema.decodeUnknownSync(Instant)(String(column)), time))
    const [encode, decode] = [Schema.encodeSync(Flag), Schema.decodeUnknownSync(Flag)]
    assert.deepStrictEqual(
      [true, false].map((flag) => encode(flag)),
      [1, 0]
    )
    assert.deepStrictEqual(
      ["1", 0, "0", 1].map((column) => decode(column)),
      [true, false, false, true]
    )
  })

  it.effect("names a row that does not fit, and none of its values", () =>
    Effect.gen(function* () {
      const Row = Schema.Struct({ id: Schema.String, count: Integer })
      const error = yield* Effect.flip(rowReader("things", "id", Row)({ id: "one", count: "hunter2" }))
      assert.deepStrictEqual(error, new RowUnreadable({ table: "things", row: "one" }))
      assert.notInclude(JSON.stringify(error) + error.message, "hunter2")
      const refused = yield* Effect.flip(valueWriter("things", Schema.Struct({ count: Schema.Int }))({ count: 1.5 }))
      assert.strictEqual(refused.message, "A value does not fit its column of things")
    })
  )
})
