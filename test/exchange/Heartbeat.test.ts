import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Heartbeat } from "../../src/exchange/Heartbeat.ts"
import { Relay } from "../../src/exchange/Relay.ts"
import { text } from "./Fakes.ts"
import { makeSink } from "./RecordingSink.ts"
import { start } from "./Start.ts"

describe("Heartbeat", () => {
  it.effect("pings a client 10 s after the upstream's 200, then at most 15 s apart, until its scope closes", () =>
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat
      const clock = yield* Effect.clockWith(Effect.succeed)
      const pings: Array<number> = []
      const sink = { ...makeSink(), ping: () => pings.push(clock.currentTimeMillisUnsafe()) }
      const relay = new Relay(start, sink, () => clock.currentTimeMillisUnsafe(), false)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* heartbeat.watch(relay)
          const attempt = relay.attempt("kiro", 1, 0)
          yield* TestClock.adjust("20 seconds")
          assert.deepStrictEqual(pings, [])
          attempt.open(() => {})
          yield* TestClock.adjust("60 seconds")
          assert.deepStrictEqual(pings, [30_000, 44_000, 58_000, 72_000])
          attempt.write(text("a"))
          yield* TestClock.adjust("13 seconds")
          assert.strictEqual(pings.length, 4)
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual(pings.length, 5)
        })
      )
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(pings.length, 5)
    }).pipe(Effect.provide(Heartbeat.layer))
  )

  it.effect("serves every answer that is under way", () =>
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat
      const sinks = [makeSink(), makeSink(), makeSink()]
      for (const sink of sinks) {
        const relay = new Relay(start, sink, () => 0, false)
        relay.attempt("kiro", 1, 0).open(() => {})
        yield* heartbeat.watch(relay)
      }
      yield* TestClock.adjust("10 seconds")
      for (const { log } of sinks) assert.deepStrictEqual(log, ["open", "ping"])
    }).pipe(Effect.scoped, Effect.provide(Heartbeat.layer))
  )
})
