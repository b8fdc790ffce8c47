import { assert, describe, it } from "@effect/vitest"
import { measure } from "../../src/cache/CacheReport.ts"
import type { TokenCounts } from "../../src/message/Usage.ts"
import { Drawn, Tokens, usageOf } from "./Figures.ts"

const estimates = { input: 1_000, output: 50, window: 200_000 }
const inputOf = (counts: TokenCounts) =>
  counts.input_tokens + counts.cache_creation_input_tokens + counts.cache_read_input_tokens

describe("CacheReport", () => {
  it.prop("gives whole counts that are not negative, whatever the upstream says", [Drawn], ([drawn]) => {
    for (const count of Object.values(measure(usageOf(drawn), estimates).counts)) {
      assert.isTrue(Number.isSafeInteger(count) && count >= 0, `${count}`)
    }
  })

  it.prop(
    "gives the upstream's own figures unchanged",
    [Tokens, Tokens, Tokens, Tokens],
    ([input, output, read, written]) => {
      const usage = {
        uncachedInputTokens: input,
        outputTokens: output,
        cacheReadInputTokens: read,
        cacheWriteInputTokens: written
      }
      assert.deepStrictEqual(measure({ ...usage, contextUsagePercentage: 3 }, estimates), {
        counts: {
          input_tokens: input,
          output_tokens: output,
          cache_read_input_tokens: read,
          cache_creation_input_tokens: written
        },
        source: "upstream",
        cacheSource: "upstream"
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
      const { counts } = measure(usage, estimates)
      assert.strictEqual(inputOf(counts) + counts.output_tokens, usage.totalTokens)
      assert.strictEqual(counts.input_tokens, input)
    }
  )

  it.prop("keeps the total of what it derives or estimates, cache counts included", [Drawn], ([drawn]) => {
    const usage = usageOf({ ...drawn, uncached: undefined })
    const { counts, source } = measure(usage, estimates)
    const share = usage.contextUsagePercentage
    const usable = share !== undefined && Number.isFinite(share) && share > 0
    assert.strictEqual(source, usable ? "derived" : "estimated")
    const total = usable
      ? Math.max(0, Math.round((Math.min(share, 100) * estimates.window) / 100) - counts.output_tokens)
      : estimates.input
    const cached = counts.cache_creation_input_tokens + counts.cache_read_input_tokens
    assert.strictEqual(inputOf(counts), Math.max(total, cached))
  })

  it("says that it estimated where the upstream counted the input alone", () => {
    const { counts, source } = measure({ uncachedInputTokens: 9 }, estimates)
    assert.strictEqual(source, "estimated")
    assert.strictEqual(counts.output_tokens, estimates.output)
  })

  it("says that nothing is known of the cache where the upstream says nothing", () => {
    const { cacheSource, counts } = measure({ uncachedInputTokens: 9, outputTokens: 3 }, estimates)
    assert.strictEqual(cacheSource, "none")
    assert.strictEqual(counts.cache_read_input_tokens, 0)
    assert.strictEqual(counts.cache_creation_input_tokens, 0)
  })

  it("takes no figure that is not a number", () => {
    const { counts, source } = measure({ uncachedInputTokens: NaN, outputTokens: Infinity }, estimates)
    assert.strictEqual(source, "estimated")
    assert.deepStrictEqual([counts.input_tokens, counts.output_tokens], [estimates.input, estimates.output])
  })
})
