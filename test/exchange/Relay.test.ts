import { assert, describe, it } from "@effect/vitest"
import { Relay } from "../../src/exchange/Relay.ts"
import { text } from "./Fakes.ts"
import { makeSink } from "./RecordingSink.ts"
import { start, usageOf } from "./Start.ts"

const ended = { stop_reason: "end_turn", stop_sequence: null } as const
const block = ["content_block_start", "content_block_delta", "content_block_stop"]
const wholeOf = (blocks: number) => [
  "open",
  "message_start",
  ...Array.from({ length: blocks }, () => block).flat(),
  "message_delta",
  "message_stop"
]

const setUp = (hold = false) => {
  let now = 0
  const sink = makeSink()
  const relay = new Relay(start, sink, () => now, hold)
  return { sink, relay, at: (ms: number) => (now = ms) }
}

describe("Relay", () => {
  it("opens with the first event and ends with the final usage", () => {
    const { relay, sink } = setUp()
    const attempt = relay.attempt("kiro", 1, 0)
    attempt.open(() => {})
    assert.deepStrictEqual(sink.log, [])
    attempt.write(text("a"))
    attempt.write(text("b", 1))
    relay.finish(ended, usageOf(9, 3))
    assert.deepStrictEqual(sink.log, wholeOf(2))
    assert.deepStrictEqual(sink.events[0], start)
    assert.deepStrictEqual(sink.events.at(-2), { type: "message_delta", delta: ended, usage: usageOf(9, 3) })
  })

  it("gives an answer without content its beginning and end", () => {
    const { relay, sink } = setUp()
    relay.attempt("kiro", 1, 0).open(() => {})
    relay.finish(ended, usageOf(9, 0))
    assert.deepStrictEqual(sink.log, wholeOf(0))
  })

  it("tells how the answer came about", () => {
    const { at, relay, sink } = setUp()
    at(100)
    relay.attempt("first", 1, 30).open(() => {})
    relay.abandon()
    assert.isNull(relay.head.upstreamHeader)
    at(200)
    const attempt = relay.attempt("second", 2, 50)
    at(260)
    attempt.open(() => {})
    at(300)
    attempt.write(text("a"))
    assert.deepStrictEqual(sink.heads, [
      {
        upstream: "second",
        attempts: 2,
        queue: 80,
        upstreamHeader: 60,
        firstEvent: 300,
        upstreamRequestId: null,
        reportedRatio: null
      }
    ])
  })

  it("passes on what the client has room for, and lets the upstream at work go on", () => {
    const { relay, sink } = setUp()
    let resumed = 0
    const attempt = relay.attempt("kiro", 1, 0)
    attempt.open(() => assert.fail("this call of the attempt is over"))
    attempt.open(() => {
      resumed++
    })
    sink.room = false
    assert.isFalse(attempt.write(text("a")))
    sink.resume()
    assert.strictEqual(resumed, 1)
    sink.room = true
    assert.isTrue(attempt.write(text("b", 1)))
  })

  it("is started by content and opened by whatever goes out", () => {
    const { at, relay } = setUp()
    const attempt = relay.attempt("kiro", 1, 0)
    attempt.open(() => {})
    at(10_000)
    relay.beat(10_000)
    assert.deepStrictEqual([relay.opened, relay.started], [true, false])
    attempt.write(text("a"))
    assert.deepStrictEqual([relay.opened, relay.started], [true, true])
  })

  it("does not open for an upstream whose attempt is over", () => {
    const { relay, sink } = setUp()
    relay.attempt("kiro", 1, 0).open(() => {})
    relay.abandon()
    relay.beat(60_000)
    assert.deepStrictEqual(sink.log, [])
    relay.attempt("kiro", 2, 0)
    relay.beat(120_000)
    assert.deepStrictEqual(sink.log, [])
  })

  describe("holding events back", () => {
    it("sends nothing before the final usage is known, and that first", () => {
      const { relay, sink } = setUp(true)
      const attempt = relay.attempt("kiro", 1, 0)
      attempt.open(() => {})
      assert.isTrue(attempt.write(text("a")))
      assert.isFalse(relay.started)
      assert.isTrue(relay.begun)
      assert.deepStrictEqual(sink.log, [])
      relay.finish(ended, usageOf(9, 3))
      assert.deepStrictEqual(sink.log, wholeOf(1))
      assert.deepStrictEqual(sink.events[0], { ...start, message: { ...start.message, usage: usageOf(9, 3) } })
    })

    it("drops what is held of an attempt that came to nothing, pings or not", () => {
      const { at, relay, sink } = setUp(true)
      const first = relay.attempt("kiro", 1, 0)
      first.open(() => {})
      first.write(text("half"))
      at(10_000)
      relay.beat(10_000)
      relay.abandon()
      assert.isFalse(relay.begun)
      const second = relay.attempt("kiro", 2, 0)
      second.open(() => {})
      second.write(text("whole"))
      relay.finish(ended, usageOf(9, 3))
      assert.deepStrictEqual(sink.log, ["open", "ping", ...wholeOf(1).slice(1)])
      assert.deepStrictEqual(sink.events.slice(1, -2), [...text("whole")])
    })

    it("sends pings meanwhile", () => {
      const { at, relay, sink } = setUp(true)
      const attempt = relay.attempt("kiro", 1, 0)
      attempt.open(() => {})
      attempt.write(text("a"))
      at(10_000)
      relay.beat(10_000)
      assert.deepStrictEqual(sink.log, ["open", "ping"])
      relay.finish(ended, usageOf(9, 3))
      assert.deepStrictEqual(sink.log.slice(2), wholeOf(1).slice(1))
    })

    const many = (length: number, size: number) =>
      Array.from({ length }, () => text("x".repeat(size))[1] ?? assert.fail())
    for (const [what, length, size] of [
      ["text", 40, 1024 * 1024],
      ["small events", 300_000, 1]
    ] as const) {
      it(`lets go once it holds too much in ${what}`, () => {
        const { relay, sink } = setUp(true)
        const attempt = relay.attempt("kiro", 1, 0)
        attempt.open(() => {})
        attempt.write(many(length, size))
        assert.strictEqual(sink.log.length, length + 2)
        attempt.write(text("more"))
        relay.finish(ended, usageOf(9, 3))
        assert.deepStrictEqual(sink.events[0], start)
        assert.deepStrictEqual(sink.log.slice(-5), [...block, "message_delta", "message_stop"])
      })
    }
  })
})
