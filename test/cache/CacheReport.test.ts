import { assert, describe, it } from "@effect/vitest"
import { measure, measureCall } from "../../src/cache/CacheReport.ts"
import type { TokenCounts } from "../../src/message/Usage.ts"
import { Drawn, Tokens, usageOf } from "./Figures.ts"

const estimates = { input: 1_000, output: 50, window: 200_000 }
const inputOf = (counts: TokenCounts) =>
  counts.input_tokens + counts.cache_creation_input_tokens + counts.cache_read_input_tokens

describe("CacheReport", () => {
  it.prop("gives whole counts that are not negative, whatever the upstream says", [Drawn], ([drawn]) => {
    for (const count of Object.values(measureCall(usageOf(drawn), estimates).counts)) {
      assert.isTrue(Number.isSafeInteger(count) && count >= 0, `${count}`)
    }
  })

  it.prop(
    "gives the upstream's own figures unchanged",
    [Tokens, Tokens, Tokens, Tokens, Tokens],
    ([input, output, read, written, hour]) => {
      const usage = {
        uncachedInputTokens: input,
        outputTokens: output,
        cacheReadInputTokens: read,
        cacheWriteInputTokens: written,
        cacheWriteHourInputTokens: hour
      }
      assert.deepStrictEqual(measureCall({ ...usage, contextUsagePercentage: 3 }, estimates), {
        counts: {
          input_tokens: input,
          output_tokens: output,
          cache_read_input_tokens: read,
          cache_creation_input_tokens: written
        },
        source: "upstream",
        cacheSource: "upstream",
        hour: Math.min(hour, written)
      })
    }
  )

  it.prop(
    "keeps the three input counts apart where writes are counted as input too",
    [Tokens, Tokens, Tokens, Tokens],
    (drawn) => {
      const [input, output, read, written] = drawn
      const usage = {
        uncachedInputTokens: input + written,
        outputTokens: output,
        cacheReadInputTokens: read,
        cacheWriteInputTokens: written,
        totalTokens: input + written + read + output
      }
      const { counts } = measureCall(usage, estimates)
      assert.strictEqual(inputOf(counts) + counts.output_tokens, usage.totalTokens)
      assert.strictEqual(counts.input_tokens, input)
    }
  )

  it.prop("keeps the total of what it derives or estimates, cache counts included", [Drawn], ([drawn]) => {
    const usage = usageOf({ ...drawn, uncached: undefined })
    const { counts, source } = measureCall(usage, estimates)
    const share = usage.contextUsagePercentage
    const isTotal = usage.totalTokens !== undefined && usage.outputTokens !== undefined
    const isShare = share !== undefined && Number.isFinite(share) && share > 0
    assert.strictEqual(source, isTotal || isShare ? "derived" : "estimated")
    const all = isTotal
      ? usage.totalTokens
      : isShare
        ? Math.round((Math.min(share, 100) * estimates.window) / 100)
        : null
    const total = all === null ? estimates.input : Math.max(0, all - counts.output_tokens)
    const cached = counts.cache_creation_input_tokens + counts.cache_read_input_tokens
    assert.strictEqual(inputOf(counts), Math.max(total, cached))
  })

  it.prop("adds up all calls of an answer, and is as sure as the least sure of them", [Drawn, Drawn], (drawn) => {
    const calls = drawn.map((one, n) => ({ usage: usageOf(one), outputEstimate: 50, inputAdded: n * 7 }))
    const each = calls.map(({ inputAdded, usage }) => measureCall(usage, { ...estimates, input: 1_000 + inputAdded }))
    const { cacheSource, counts, source } = measure(calls, estimates)
    for (const name of ["input_tokens", "output_tokens", "cache_read_input_tokens"] as const) {
      assert.strictEqual(
        counts[name],
        each.reduce((sum, one) => sum + one.counts[name], 0)
      )
    }
    const sources = each.map((one) => one.source)
    const weakest = ["estimated", "derived", "upstream"].find((one) => sources.some((other) => other === one))
    assert.strictEqual(source, weakest)
    assert.strictEqual(
      cacheSource === "upstream",
      each.some((one) => one.cacheSource === "upstream")
    )
  })

  it("says that it estimated where the upstream counted the input alone", () => {
    const { counts, source } = measureCall({ uncachedInputTokens: 9 }, estimates)
    assert.strictEqual(source, "estimated")
    assert.strictEqual(counts.output_tokens, estimates.output)
  })

  it("says that nothing is known of the cache where the upstream says nothing", () => {
    const { cacheSource, counts } = measureCall({ uncachedInputTokens: 9, outputTokens: 3 }, estimates)
    assert.strictEqual(cacheSource, "none")
    assert.strictEqual(counts.cache_read_input_tokens, 0)
    assert.strictEqual(counts.cache_creation_input_tokens, 0)
  })

  it("takes no figure that is not a number", () => {
    const { counts, source } = measureCall({ uncachedInputTokens: NaN, outputTokens: Infinity }, estimates)
    assert.strictEqual(source, "estimated")
    assert.deepStrictEqual([counts.input_tokens, counts.output_tokens], [estimates.input, estimates.output])
  })
})
