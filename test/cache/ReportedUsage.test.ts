import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { reported } from "../../src/cache/ReportedUsage.ts"
import { Tokens } from "./Figures.ts"

const Ratio = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.95 }))

describe("reported figures", () => {
  it.prop(
    "keep the sum of the input, never tell less read than was, and split what was written as before",
    [Tokens, Tokens, Tokens, Tokens, Tokens, Ratio],
    ([input, five, hour, read, prefix, ratio]) => {
      const measured = {
        input_tokens: input,
        output_tokens: 7,
        cache_creation_input_tokens: five + hour,
        cache_read_input_tokens: read,
        cache_creation: { ephemeral_5m_input_tokens: five, ephemeral_1h_input_tokens: hour }
      }
      const told = reported(measured, ratio, prefix)
      const total = input + five + hour + read
      assert.strictEqual(told.input_tokens + told.cache_creation_input_tokens + told.cache_read_input_tokens, total)
      assert.strictEqual(told.cache_read_input_tokens, Math.max(read, Math.floor(Math.min(prefix, total) * ratio)))
      const d = told.cache_read_input_tokens - read
      assert.strictEqual(told.cache_creation_input_tokens, five + hour - Math.min(d, five + hour))
      const { ephemeral_1h_input_tokens, ephemeral_5m_input_tokens } = told.cache_creation
      assert.strictEqual(ephemeral_5m_input_tokens + ephemeral_1h_input_tokens, told.cache_creation_input_tokens)
      if (d < five) assert.strictEqual(ephemeral_1h_input_tokens, hour, "five minutes before one hour")
      for (const count of [told.input_tokens, ephemeral_1h_input_tokens, ephemeral_5m_input_tokens]) {
        assert.isAtLeast(count, 0)
      }
      assert.strictEqual(told.output_tokens, 7)
      if (ratio === 0) assert.deepStrictEqual(told, measured)
    }
  )
})
