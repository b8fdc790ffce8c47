import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { PrefixStore } from "../../src/cache/PrefixStore.ts"
import { CredentialId } from "../../src/message/Ids.ts"

const [a, b] = [CredentialId.make("a"), CredentialId.make("b")]

describe("PrefixStore", () => {
  it("knows a prefix where it was served, until it expires; a later use never shortens that", () => {
    const store = new PrefixStore()
    store.put(a, "f", 0, 100, 10)
    assert.isTrue(store.has(a, "f", 99))
    assert.isFalse(store.has(a, "f", 100))
    assert.isFalse(store.has(b, "f", 0))
    store.put(a, "f", 10, 50, 10)
    assert.isTrue(store.has(a, "f", 109), "it stays for as long as it was asked to stay before")
    assert.deepStrictEqual(store.holders("f", 109), [a])
    assert.deepStrictEqual(store.holders("f", 110), [])
    assert.deepStrictEqual(store.holders("g", 0), [])
    store.put(b, "f", 0, 120, 10)
    assert.deepStrictEqual(store.holders("f", 99), [b, a])
    store.use(a, "f", 60, 10)
    assert.deepStrictEqual(store.holders("f", 119), [a, b], "a use is as good as a new one")
    assert.strictEqual(store.live(130), 1, "what has expired is forgotten")
    store.clear()
    assert.deepStrictEqual([store.size, store.has(a, "f", 0)], [0, false])
  })

  it("forgets what was used least recently, and counts it", () => {
    const store = new PrefixStore()
    for (const [id, fingerprint] of [
      [a, "1"],
      [b, "2"],
      [a, "3"],
      [b, "4"]
    ] as const)
      store.put(id, fingerprint, 0, 9, 4)
    store.put(a, "1", 0, 9, 4)
    store.put(b, "5", 0, 9, 4)
    assert.strictEqual(store.evictions, 1)
    assert.isFalse(store.has(b, "2", 0), "b held more than half")
    store.put(CredentialId.make("c"), "6", 0, 9, 4)
    assert.isFalse(store.has(a, "3", 0), "the least recently used of all")
    assert.isTrue(store.has(a, "1", 0))
  })

  const Put = Schema.Struct({
    id: Schema.Literals(["a", "b", "c"]),
    fingerprint: Schema.Literals(["1", "2", "3", "4", "5", "6", "7"])
  })
  it.prop("is never larger than its capacity, nor one credential's part than half", [Schema.Array(Put)], ([puts]) => {
    const store = new PrefixStore()
    for (const { fingerprint, id } of puts) store.put(CredentialId.make(id), fingerprint, 0, 9, 6)
    assert.isAtMost(store.size, 6)
    for (const id of ["a", "b", "c"]) {
      const own = ["1", "2", "3", "4", "5", "6", "7"].filter((one) => store.has(CredentialId.make(id), one, 0))
      assert.isAtMost(own.length, 3)
    }
  })
})
