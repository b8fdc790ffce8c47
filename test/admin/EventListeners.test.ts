import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { buffered, EventListeners, mostListeners } from "../../src/admin/EventListeners.ts"

const listening = (listeners: EventListeners) => listeners.listen() ?? assert.fail("too many listen")

describe("EventListeners", () => {
  it.effect("give everybody what is told from then on, with an id that counts up", () =>
    Effect.gen(function* () {
      const listeners = new EventListeners()
      listeners.tell("early", () => assert.fail("nobody listens"))
      const stream = listening(listeners)
      listeners.tell("one", () => ({ n: 1 }))
      listeners.tell("two", () => ({ n: 2 }))
      listeners.stop()
      const [text] = yield* Stream.runCollect(stream)
      assert.strictEqual(
        text,
        'id: 2\nevent: one\ndata: {"n":1}\n\nid: 3\nevent: two\ndata: {"n":2}\n\nevent: cut\ndata: {"reason":"stopping"}\n\n'
      )
      assert.strictEqual(listeners.size, 0)
    })
  )

  it.effect("cut one whose buffer is full, which gets what it holds and is told; the others go on", () =>
    Effect.gen(function* () {
      const listeners = new EventListeners()
      const slow = listening(listeners)
      const heard: Array<string> = []
      const quick = yield* Effect.forkChild(
        Stream.runForEach(listening(listeners), (text) => Effect.sync(() => heard.push(text)))
      )
      for (let n = 0; n <= buffered + 9; n++) {
        listeners.tell("one", () => n)
        yield* Effect.yieldNow
        yield* Effect.yieldNow
      }
      const text = (yield* Stream.runCollect(slow)).join("")
      assert.strictEqual(text.match(/event: one/g)?.length, buffered)
      assert.isTrue(text.endsWith('event: cut\ndata: {"reason":"slow"}\n\n'))
      assert.strictEqual(heard.join("").match(/event: one/g)?.length, buffered + 10)
      assert.strictEqual(listeners.size, 1)
      yield* Fiber.interrupt(quick)
      assert.strictEqual(listeners.size, 0)
    })
  )

  it("are so many and no more", () => {
    const listeners = new EventListeners()
    for (let n = 0; n < mostListeners; n++) assert.isNotNull(listeners.listen())
    assert.isNull(listeners.listen())
  })

  it.effect("end a stream at once that is asked for after the stop", () =>
    Effect.gen(function* () {
      const listeners = new EventListeners()
      listeners.stop()
      assert.strictEqual((yield* Stream.runCollect(listening(listeners))).length, 1)
    })
  )
})
