import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { OrderedHeap } from "../../src/credential/OrderedHeap.ts"

const Key = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
const Step = Schema.Struct({ which: Key, do: Schema.Literals(["add", "add", "remove", "move"]), key: Key })

describe("OrderedHeap", () => {
  it.prop(
    "is in order after any additions, removals and moves",
    [Schema.Array(Step)],
    ([steps]) => {
      const items = Array.from({ length: 10 }, (_, place) => ({ place, key: 0 }))
      const heap = new OrderedHeap<{ readonly place: number; key: number }>(
        (a, b) => (a.key - b.key || a.place - b.place) < 0
      )
      const held = new Set<(typeof items)[number]>()
      for (const step of steps) {
        const item = items[step.which]
        if (item === undefined) continue
        if (step.do === "remove") {
          heap.remove(item)
          held.delete(item)
        } else if (step.do === "add" || held.has(item)) {
          item.key = step.key
          if (held.has(item)) heap.moved(item)
          else heap.add(item)
          held.add(item)
        }
      }
      const sorted = [...held].toSorted((a, b) => a.key - b.key || a.place - b.place)
      assert.deepStrictEqual([...heap], sorted)
      assert.strictEqual(heap.size, held.size)
      assert.strictEqual(heap.first, sorted[0])
      assert.strictEqual(
        heap.find(({ key }) => key >= 5),
        sorted.find(({ key }) => key >= 5)
      )
      for (const item of items) item.key = 9 - item.key
      heap.reorder()
      assert.deepStrictEqual(
        [...heap],
        [...held].toSorted((a, b) => a.key - b.key || a.place - b.place)
      )
    },
    { arbitrary: { runs: 1_000 } }
  )
})
