import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { CacheAccounting, type CachePlan } from "../../src/cache/CacheAccounting.ts"
import { measureCall } from "../../src/cache/CacheReport.ts"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import { validateMessagesRequest } from "../../src/message/MessagesRequest.ts"
import type { TokenCounts, UpstreamUsage } from "../../src/message/Usage.ts"
import { Drawn, usageOf } from "./Figures.ts"

const mark = { cache_control: { type: "ephemeral" } }
const model = { id: "claude-sonnet-4.5", window: 200_000, minimumCached: 1_000 }

const accounting = (cache: { readonly [member: string]: boolean | number | null } = {}) => {
  const { config, written } = quickstartConfig("/nowhere")
  const settings = RuntimeSettings.layerMemory({ config, written: { ...written, cache } })
  return CacheAccounting.layer.pipe(Layer.provideMerge(settings))
}

/** About so many tokens of system prompt, and turns after it of which the last is marked. */
const requestOf = (tokens: number, turns: ReadonlyArray<string> = [], system: object = mark) =>
  Result.getOrThrow(
    validateMessagesRequest({
      model: "claude-sonnet-4-5",
      max_tokens: 9,
      system: [{ type: "text", text: "one two ".repeat(tokens), ...system }],
      messages: [
        { role: "user", content: "begin" },
        ...turns.flatMap((turn, n) => [
          { role: "assistant", content: `answer ${n}` },
          { role: "user", content: [{ type: "text", text: turn, ...(n === turns.length - 1 ? mark : {}) }] }
        ])
      ]
    })
  )

const settle = (plan: CachePlan, usage: UpstreamUsage = {}, id = "a") =>
  CacheAccounting.use((accounting) =>
    accounting.settle(plan, CredentialId.make(id), {
      calls: [{ usage, outputEstimate: 50, inputAdded: 0 }],
      webSearches: 0,
      isRead: true
    })
  )
const serve = Effect.fnUntraced(function* (request: ReturnType<typeof requestOf>, usage: UpstreamUsage = {}, id = "a") {
  const plan = yield* CacheAccounting.use((accounting) => accounting.plan(request, model, "conversation"))
  return yield* settle(plan, usage, id)
})
const cacheOf = (counts: TokenCounts) => [counts.cache_read_input_tokens, counts.cache_creation_input_tokens]
const inputOf = (counts: TokenCounts) =>
  counts.input_tokens + counts.cache_creation_input_tokens + counts.cache_read_input_tokens

describe("what the upstream says", () => {
  it.effect.prop("is never replaced, and creation is split without a rest", [Drawn], ([drawn]) =>
    Effect.gen(function* () {
      const plan = yield* CacheAccounting.use((accounting) => accounting.plan(requestOf(2_000), model, "conversation"))
      const estimates = { input: plan.inputEstimate, output: 50, window: 200_000 }
      const { cacheSource, counts, source } = measureCall(usageOf(drawn), estimates)
      for (let n = 0; n < 2; n++) {
        const usage = yield* settle(plan, usageOf(drawn))
        const { ephemeral_1h_input_tokens, ephemeral_5m_input_tokens } = usage.cache_creation
        assert.strictEqual(ephemeral_5m_input_tokens + ephemeral_1h_input_tokens, usage.cache_creation_input_tokens)
        assert.strictEqual(usage.weir?.source, source)
        assert.strictEqual(inputOf(usage), inputOf(counts), "no more input than there was")
        if (cacheSource === "upstream") {
          assert.deepStrictEqual(cacheOf(usage), cacheOf(counts))
          assert.strictEqual(usage.weir?.cacheSource, "upstream")
        } else assert.strictEqual(usage.weir?.cacheSource, "estimated")
      }
    }).pipe(Effect.provide(accounting()))
  )
})

describe("an estimate of the cache", () => {
  it.effect("writes the prefix the first time and reads it the second, at the credential that served", () =>
    Effect.gen(function* () {
      const first = yield* serve(requestOf(2_000))
      assert.strictEqual(first.cache_read_input_tokens, 0)
      assert.isAtLeast(first.cache_creation_input_tokens, 2_000)
      const again = yield* serve(requestOf(2_000))
      assert.deepStrictEqual(cacheOf(again), [first.cache_creation_input_tokens, 0])
      assert.deepStrictEqual(again.weir, { source: "estimated", cacheSource: "estimated" })
      const elsewhere = yield* serve(requestOf(2_000), {}, "b")
      assert.strictEqual(elsewhere.cache_read_input_tokens, 0)
      const { hits, lostToFailoverTokens, misses } = yield* CacheAccounting.use(({ stats }) => stats)
      assert.deepStrictEqual([hits, misses, lostToFailoverTokens], [1, 2, first.cache_creation_input_tokens])
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("grows with the conversation: what came before is read, what is new is written", () =>
    Effect.gen(function* () {
      const first = yield* serve(requestOf(2_000, ["one ".repeat(100)]))
      const second = yield* serve(requestOf(2_000, ["one ".repeat(100), "two ".repeat(100)]))
      assert.strictEqual(second.cache_read_input_tokens, first.cache_creation_input_tokens)
      assert.isAbove(second.cache_creation_input_tokens, 50)
      assert.strictEqual(inputOf(second), second.input_tokens + cacheOf(second).reduce((a, b) => a + b))
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("lives five minutes or an hour from its last use", () =>
    Effect.gen(function* () {
      const read = (system: object) =>
        Effect.map(serve(requestOf(2_000, [], system)), (usage) => usage.cache_read_input_tokens > 0)
      yield* read(mark)
      yield* TestClock.adjust("299 seconds")
      assert.isTrue(yield* read(mark))
      yield* TestClock.adjust("299 seconds")
      assert.isTrue(yield* read(mark), "a use begins it anew")
      yield* TestClock.adjust("5 minutes")
      const hour = { cache_control: { type: "ephemeral", ttl: "1h" } }
      const written = yield* serve(requestOf(2_000, [], hour))
      assert.deepStrictEqual(written.cache_creation, {
        ephemeral_5m_input_tokens: 0,
        ephemeral_1h_input_tokens: written.cache_creation_input_tokens
      })
      yield* TestClock.adjust("59 minutes")
      assert.isTrue(yield* read(hour))
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("says nothing below the model's least, without breakpoints, or where it is switched off", () =>
    Effect.gen(function* () {
      for (const request of [requestOf(500), requestOf(2_000, [], {})]) {
        const usage = yield* serve(request)
        assert.deepStrictEqual(cacheOf(usage), [0, 0])
        assert.strictEqual(usage.weir?.cacheSource, "none")
      }
      const settings = yield* RuntimeSettings
      for (const off of [{ estimate: false }, { estimate: true, enabled: false }]) {
        yield* settings.update("cache", off)
        assert.strictEqual((yield* serve(requestOf(2_000))).weir?.cacheSource, "none")
      }
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("finds what is up to twenty blocks back, and keeps that alive by reading it", () =>
    Effect.gen(function* () {
      const turns = (count: number) => Array.from({ length: count }, (_, n) => `turn ${n}`)
      const read = (count: number) =>
        Effect.map(serve(requestOf(2_000, turns(count), {})), (usage) => usage.cache_read_input_tokens > 0)
      assert.isFalse(yield* read(1))
      yield* TestClock.adjust("4 minutes")
      // Two blocks a turn: the breakpoint's own block is the first of the twenty.
      assert.isTrue(yield* read(10))
      yield* TestClock.adjust("2 minutes")
      assert.isTrue(yield* read(9), "what was read at four minutes lives on")
      assert.isFalse(yield* Effect.provide(Effect.andThen(read(1), read(12)), Layer.fresh(accounting())))
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("is not told of a request that no model has read, nor left behind by it", () =>
    Effect.gen(function* () {
      const { plan, settle, stats } = yield* CacheAccounting
      const planned = yield* plan(requestOf(2_000), model, "conversation")
      const used = { calls: [{ usage: {}, outputEstimate: 9, inputAdded: 0 }], webSearches: 1, isRead: false }
      for (let n = 0; n < 2; n++) {
        const usage = yield* settle(planned, CredentialId.make("a"), used)
        assert.deepStrictEqual(cacheOf(usage), [0, 0])
      }
      assert.strictEqual((yield* stats).entries, 0)
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("counts what the upstream read, whatever our estimate of the prefix is", () =>
    Effect.gen(function* () {
      yield* serve(requestOf(600), { uncachedInputTokens: 5, outputTokens: 5, cacheReadInputTokens: 1_100 })
      const { hits, measured } = yield* CacheAccounting.use(({ stats }) => stats)
      assert.deepStrictEqual([hits, measured.readTokens, measured.savedInputTokens5m], [1, 1_100, 1_100])
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("knows how long entries live, and sums the last minutes whatever their number", () =>
    Effect.gen(function* () {
      const stats = CacheAccounting.use(({ stats }) => stats)
      for (let n = 0; n < 3_000; n++) {
        yield* serve(requestOf(2_000), { uncachedInputTokens: 1, outputTokens: 1, cacheReadInputTokens: 10 })
      }
      assert.deepInclude((yield* stats).measured, { hitRate1m: 1, savedInputTokens5m: 30_000 })
      yield* TestClock.adjust("2 minutes")
      assert.deepInclude((yield* stats).measured, { savedInputTokens1m: 0, savedInputTokens5m: 30_000, hitRate1m: 0 })
      yield* TestClock.adjust("4 minutes")
      assert.deepInclude((yield* stats).measured, { savedInputTokens5m: 0, readTokens: 30_000 })
      assert.strictEqual((yield* stats).entries, 0)
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("tells of a conversation what is cached where, of its own model and not of what all have in common", () =>
    Effect.gen(function* () {
      const { cached } = yield* CacheAccounting
      yield* serve(requestOf(2_000))
      assert.deepStrictEqual([...(yield* cached("conversation", null))], [], "the system prompt alone")
      yield* serve(requestOf(2_000, ["more"], {}))
      const [found] = yield* cached("conversation", null)
      assert.strictEqual(found?.[0], "a")
      assert.isAbove(found?.[1] ?? 0, 2_000)
      assert.strictEqual((yield* cached("conversation", model.id)).size, 1)
      assert.strictEqual((yield* cached("conversation", "another")).size, 0)
    }).pipe(Effect.provide(accounting()))
  )

  it.effect("is forgotten on request; counters stay", () =>
    Effect.gen(function* () {
      yield* serve(requestOf(2_000))
      const { clear, stats } = yield* CacheAccounting
      yield* clear
      assert.strictEqual((yield* serve(requestOf(2_000))).cache_read_input_tokens, 0)
      assert.deepInclude(yield* stats, { entries: 1, hits: 0, misses: 2, evictions: 0 })
    }).pipe(Effect.provide(accounting()))
  )
})

describe("a reported share", () => {
  it.effect("is told with the measured figures beside it, and kept apart in the statistics", () =>
    Effect.gen(function* () {
      const plan = yield* CacheAccounting.use((accounting) => accounting.plan(requestOf(2_000), model, "conversation"))
      assert.strictEqual(plan.reportedRatio, 0.5)
      const usage = yield* settle(plan, { uncachedInputTokens: 3_000, outputTokens: 5, cacheReadInputTokens: 0 })
      const measured = {
        input_tokens: 3_000,
        output_tokens: 5,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0
      }
      assert.deepStrictEqual(usage.weir, { source: "upstream", cacheSource: "upstream", measured })
      assert.isAtLeast(usage.cache_read_input_tokens, 1_000)
      assert.strictEqual(inputOf(usage), 3_000)
      const stats = yield* CacheAccounting.use(({ stats }) => stats)
      assert.strictEqual(stats.measured.readTokens, 0)
      assert.strictEqual(stats.reported.readTokens, usage.cache_read_input_tokens)
      assert.deepStrictEqual([stats.hits, stats.misses], [0, 1])
    }).pipe(Effect.provide(accounting({ reportedReadRatio: 0.5 })))
  )

  it.effect("says nothing where it changes nothing, and does not apply without breakpoints", () =>
    Effect.gen(function* () {
      const usage = yield* serve(requestOf(2_000), { uncachedInputTokens: 10, cacheReadInputTokens: 5_000 })
      assert.isUndefined(usage.weir?.measured)
      const plan = yield* CacheAccounting.use((accounting) =>
        accounting.plan(requestOf(2_000, [], {}), model, "conversation")
      )
      assert.isNull(plan.reportedRatio)
    }).pipe(Effect.provide(accounting({ reportedReadRatio: 0.5 })))
  )
})
