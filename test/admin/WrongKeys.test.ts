import { assert, describe, it } from "@effect/vitest"
import { WrongKeys } from "../../src/admin/WrongKeys.ts"

const minute = 60_000

describe("wrong keys", () => {
  it("are counted up to ten a minute for an address", () => {
    const wrong = new WrongKeys()
    for (let i = 0; i < 10; i++) assert.isNull(wrong.note("a", i * 1_000))
    assert.strictEqual(wrong.note("a", 10_000), minute - 10_000)
    assert.isNull(wrong.note("b", 10_000))
  })

  it("are forgotten one by one after a minute, and refused ones do not count", () => {
    const wrong = new WrongKeys()
    for (let i = 0; i < 10; i++) wrong.note("a", i * 1_000)
    for (let i = 0; i < 50; i++) assert.isNotNull(wrong.note("a", 20_000 + i))
    assert.isNotNull(wrong.note("a", minute - 1))
    assert.isNull(wrong.note("a", minute))
    assert.strictEqual(wrong.note("a", minute), 1_000)
    assert.isNull(wrong.note("a", minute + 1_000))
  })

  it("are never counted as more than ten in any minute", () => {
    const wrong = new WrongKeys()
    const counted = Array.from({ length: 600 }, (_, i) => i * 500).filter((time) => wrong.note("a", time) === null)
    for (const time of counted) {
      assert.isAtMost(counted.filter((other) => other > time - minute && other <= time).length, 10)
    }
    assert.strictEqual(counted.length, 50)
  })

  it("are kept for a bounded number of addresses; who was wrong longest ago is forgotten", () => {
    const wrong = new WrongKeys()
    for (let i = 0; i < 10; i++) wrong.note("early", 0)
    for (let i = 0; i < 10; i++) wrong.note("kept", 0)
    for (let i = 0; i < 10_000; i++) {
      wrong.note(`address ${i}`, 1)
      if (i % 1_000 === 0) assert.isNotNull(wrong.note("kept", 1))
    }
    assert.strictEqual(wrong.size, 4_096)
    assert.isNotNull(wrong.note("kept", 1))
    assert.isNull(wrong.note("early", 1))
  })
})
