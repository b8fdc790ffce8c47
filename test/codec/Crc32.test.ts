import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { crc32, crc32Short } from "../../src/codec/Crc32.ts"

describe("Crc32", () => {
  it("gives the check value of the standard", () => {
    const check = Buffer.from("123456789")
    assert.strictEqual(crc32(check), 0xcbf43926)
    assert.strictEqual(crc32Short(check, 0, 9), 0xcbf43926)
  })

  it.prop("both ways agree on any range", [Schema.Uint8Array, Schema.Int, Schema.Int], ([bytes, a, b]) => {
    const start = Math.abs(a) % (bytes.length + 1)
    const length = Math.abs(b) % (bytes.length - start + 1)
    assert.strictEqual(crc32Short(bytes, start, length), crc32(bytes.subarray(start, start + length)))
  })
})
