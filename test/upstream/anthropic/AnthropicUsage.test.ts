import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { measureCall } from "../../../src/cache/CacheReport.ts"
import type { Usage } from "../../../src/message/Usage.ts"
import { readUsage, toldMembers, webSearchesIn } from "../../../src/upstream/anthropic/AnthropicUsage.ts"

const Tokens = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })))

describe("AnthropicUsage", () => {
  it.prop("measures what the upstream says, to the token", [Tokens, Tokens, Tokens, Tokens, Tokens], (drawn) => {
    const [input, output, read, five, hour] = drawn
    const raw = {
      input_tokens: input,
      output_tokens: output,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: five + hour,
      cache_creation: { ephemeral_5m_input_tokens: five, ephemeral_1h_input_tokens: hour },
      service_tier: "standard"
    }
    const measured = measureCall(readUsage(raw), { input: 1, output: 1, window: 1 })
    assert.deepStrictEqual(measured, {
      counts: {
        input_tokens: input,
        output_tokens: output,
        cache_read_input_tokens: read,
        cache_creation_input_tokens: five + hour
      },
      source: "upstream",
      cacheSource: "upstream",
      hour
    })
    const weir = { source: "upstream", cacheSource: "upstream" } as const
    const told: Usage = { ...measured.counts, cache_creation: raw.cache_creation, weir }
    assert.deepStrictEqual(toldMembers(raw, told), { weir })
  })

  it("fills in what the upstream did not say, and changes what a policy changes", () => {
    const told: Usage = {
      input_tokens: 5,
      output_tokens: 7,
      cache_creation_input_tokens: 3,
      cache_read_input_tokens: 2,
      cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 0 }
    }
    assert.deepStrictEqual(toldMembers({ input_tokens: 10, output_tokens: 7 }, told), {
      input_tokens: 5,
      cache_creation_input_tokens: 3,
      cache_read_input_tokens: 2,
      cache_creation: told.cache_creation
    })
  })

  it("leaves what is null or was not said where it is none", () => {
    const told: Usage = {
      input_tokens: 5,
      output_tokens: 7,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }
    }
    const raw = { input_tokens: 5, output_tokens: 7, cache_read_input_tokens: null, cache_creation: null }
    assert.deepStrictEqual(toldMembers(raw, told), {})
  })

  it("takes no figure from what is none", () => {
    assert.deepStrictEqual(readUsage({ input_tokens: "7", output_tokens: null, cache_creation: 3 }), {})
    assert.strictEqual(webSearchesIn({ server_tool_use: { web_search_requests: 2 } }), 2)
    assert.strictEqual(webSearchesIn({ server_tool_use: null }), 0)
  })
})
