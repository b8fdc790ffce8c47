import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CacheAccounting } from "../../src/cache/CacheAccounting.ts"
import { measure } from "../../src/cache/CacheReport.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import { Drawn, usageOf } from "./Figures.ts"

describe("CacheAccounting", () => {
  it.effect.prop(
    "splits cache creation by lifetime without a rest, and says where figures come from",
    [Drawn],
    ([drawn]) =>
      Effect.gen(function* () {
        const accounting = yield* CacheAccounting
        const plan = { inputEstimate: 1_000, window: 200_000 }
        const usage = yield* accounting.settle(plan, {
          credentialId: CredentialId.make("a"),
          usage: usageOf(drawn),
          outputEstimate: 50,
          webSearches: 2
        })
        const { ephemeral_1h_input_tokens, ephemeral_5m_input_tokens } = usage.cache_creation
        assert.strictEqual(ephemeral_5m_input_tokens + ephemeral_1h_input_tokens, usage.cache_creation_input_tokens)
        assert.deepStrictEqual(usage.server_tool_use, { web_search_requests: 2 })
        const { cacheSource, source } = measure(usageOf(drawn), { input: 1_000, output: 50, window: 200_000 })
        assert.deepStrictEqual(usage.weir, { source, cacheSource })
      }).pipe(Effect.provide(CacheAccounting.layer))
  )
})
