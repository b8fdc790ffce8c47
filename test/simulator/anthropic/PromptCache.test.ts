/** The prompt cache, through the API and as a pure sum. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { AnthropicSimulator, type Simulator } from "../../../src/simulator/anthropic/AnthropicSimulator.ts"
import { PromptCache } from "../../../src/simulator/anthropic/PromptCache.ts"
import { ask, at, saying } from "./Sdk.ts"

/** Over the minimum of 1,024 tokens. */
const LONG = "long ".repeat(1_000)
const point = (text: string, ttl?: "5m" | "1h") => ({
  type: "text",
  text,
  cache_control: { type: "ephemeral", ...(ttl === undefined ? {} : { ttl }) }
})

const usage = Effect.fnUntraced(function* (server: Simulator, body: object, key = "key-1") {
  const { json } = yield* Effect.promise(() => ask(server, "/v1/messages", { body, headers: { "x-api-key": key } }))
  const of = (...path: ReadonlyArray<string>) => Number(at(json, "usage", ...path))
  const write = of("cache_creation_input_tokens")
  const [short, long] = [
    of("cache_creation", "ephemeral_5m_input_tokens"),
    of("cache_creation", "ephemeral_1h_input_tokens")
  ]
  assert.strictEqual(write, short + long)
  return { read: of("cache_read_input_tokens"), write, short, long, rest: of("input_tokens") }
})

describe("the prompt cache", () => {
  it.effect("is written by the first call, read by the second, and is each account's and model's own", () =>
    Effect.gen(function* () {
      const server = yield* AnthropicSimulator.make()
      const body = saying([{ type: "text", text: "q" }], { system: [point(LONG)] })
      const first = yield* usage(server, body)
      assert.isAbove(first.write, 1_024)
      assert.deepInclude(yield* usage(server, body), { read: first.write, write: 0, rest: first.rest })
      assert.deepStrictEqual(yield* usage(server, body, "key-2"), first)
      assert.deepStrictEqual(yield* usage(server, { ...body, model: "claude-opus-5-5" }), first)
      assert.strictEqual((yield* usage(server, { ...body, thinking: { type: "adaptive" } })).read, first.write)
    })
  )

  it.effect("divides what it writes by how long it is kept, and keeps it so long", () =>
    Effect.gen(function* () {
      const server = yield* AnthropicSimulator.make()
      const body = saying([point("question ".repeat(20))], { system: [point(LONG, "1h")] })
      const first = yield* usage(server, body)
      assert.isAbove(first.long, 1_024)
      assert.isAbove(first.short, 0)
      yield* TestClock.adjust(Duration.minutes(30))
      const later = yield* usage(server, body)
      assert.deepInclude(later, { read: first.long, short: first.short, long: 0 })
      yield* TestClock.adjust(Duration.minutes(61))
      assert.deepStrictEqual(yield* usage(server, body), first)
    })
  )

  it.effect("takes the last block where it is asked to choose, and nothing that failed", () =>
    Effect.gen(function* () {
      const server = yield* AnthropicSimulator.make({ script: { rules: [{ fail: "overloaded", times: 1 }] } })
      const body = saying(LONG, { cache_control: { type: "ephemeral" } })
      yield* Effect.promise(() => ask(server, "/v1/messages", { body }))
      const first = yield* usage(server, body)
      assert.deepStrictEqual([first.read, first.rest], [0, 0])
      assert.strictEqual((yield* usage(server, body)).read, first.write)
    })
  )

  const block = Schema.Struct({
    text: Schema.Literals(["a", "b", "c"]),
    tokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
    keep: Schema.NullOr(Schema.Literals(["5m", "1h"]))
  })
  const blocks = Arbitrary.array(Arbitrary.schema(block), { maxLength: 30 })

  it.prop("adds up, and reads no more than was kept", [Arbitrary.array(blocks, { maxLength: 8 })], ([calls]) => {
    const cache = new PromptCache()
    for (const [now, call] of calls.entries()) {
      const { keep, tokens } = cache.lookup("o", call, 10, now)
      const total = call.reduce((sum, block) => sum + block.tokens, 0)
      assert.strictEqual(tokens.uncached + tokens.read + tokens.write5m + tokens.write1h, total)
      assert.isTrue(Object.values(tokens).every((count) => count >= 0))
      if (now === 0) assert.strictEqual(tokens.read, 0)
      assert.strictEqual(cache.lookup("other", call, 10, now).tokens.read, 0)
      cache.keep(keep, now)
      const again = cache.lookup("o", call, 10, now).tokens
      if (keep.length > 0) assert.strictEqual(again.write5m + again.write1h, 0)
    }
  })
})
