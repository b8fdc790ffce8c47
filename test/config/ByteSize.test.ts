import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { ByteSize, formatBytes } from "../../src/config/ByteSize.ts"

const decode = Schema.decodeUnknownOption(ByteSize)
const bytes = (text: string): number | undefined => Option.getOrUndefined(decode(text))

describe("ByteSize", () => {
  it("reads binary units, with or without a space", () => {
    assert.strictEqual(bytes("32 MiB"), 32 * 2 ** 20)
    assert.strictEqual(bytes("1KiB"), 1024)
    assert.strictEqual(bytes("2 GiB"), 2 ** 31)
    assert.strictEqual(bytes("0 B"), 0)
  })

  it("refuses decimal units, fractions, signs and what cannot be counted exactly", () => {
    for (const text of ["32 MB", "32", "1.5 MiB", "-1 B", "32  MiB", "01 B", "MiB", "", "999999999 GiB"]) {
      assert.isTrue(Option.isNone(decode(text)), text)
    }
    assert.isTrue(Option.isNone(decode(32)))
  })

  it("writes the largest unit that holds it without a remainder", () => {
    assert.strictEqual(formatBytes(1536 * 1024), "1536 KiB")
    assert.strictEqual(formatBytes(2 ** 30), "1 GiB")
    assert.strictEqual(formatBytes(0), "0 B")
    assert.strictEqual(formatBytes(1025), "1025 B")
  })

  it.prop(
    "reads again what it wrote of any size",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999_999 })), Schema.Literals(["B", "KiB", "MiB"])],
    ([count, unit]) => {
      const size = Schema.decodeSync(ByteSize)(`${count} ${unit}`)
      assert.strictEqual(bytes(Schema.encodeSync(ByteSize)(size)), size)
    }
  )
})
