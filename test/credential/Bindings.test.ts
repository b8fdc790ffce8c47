import { assert, describe, it } from "@effect/vitest"
import { bindingLimit, Bindings } from "../../src/credential/Bindings.ts"
import { id } from "./PoolRig.ts"

describe("Bindings", () => {
  it("live from their last success, and no longer", () => {
    const bindings = new Bindings()
    bindings.bind("c", id("a"), 0)
    assert.strictEqual(bindings.find("c", 99, 100), "a")
    assert.isNull(bindings.find("c", 100, 100))
    bindings.bind("c", id("b"), 90)
    assert.strictEqual(bindings.find("c", 189, 100), "b")
    assert.isNull(bindings.find(null, 0, 100))
    assert.isNull(bindings.find("other", 0, 100))
  })

  it("are never more than their limit: the one without success for longest goes", () => {
    const bindings = new Bindings()
    for (let n = 0; n < bindingLimit; n++) bindings.bind(String(n), id("a"), n)
    bindings.bind("0", id("a"), bindingLimit)
    bindings.bind("one more", id("a"), bindingLimit)
    assert.strictEqual(bindings.size, bindingLimit)
    assert.isNull(bindings.find("1", bindingLimit, Infinity))
    assert.strictEqual(bindings.find("0", bindingLimit, Infinity), "a")
  })
})
