/**
 * CacheAccounting: what a request is expected to use before it is sent, and what it has used once it is answered.
 *
 * Truth first: what the upstream reports wins, then what its figures imply, then our estimate; the source travels with
 * the numbers.
 */
import { Context, Effect, Layer } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import type { MessagesRequest } from "../message/MessagesRequest.ts"
import { estimateInput } from "../message/RequestEstimate.ts"
import type { UpstreamUsage, Usage } from "../message/Usage.ts"
import { measure } from "./CacheReport.ts"

/** What is known of a request before it is sent. */
export interface CachePlan {
  /** Our estimate of the whole input. Tokens. */
  readonly inputEstimate: number
  /** The model's context window. Tokens. */
  readonly window: number
}

/** What an answer brought. */
export interface Answered {
  readonly credentialId: CredentialId
  readonly usage: UpstreamUsage
  /** Our own count of the output. Tokens. */
  readonly outputEstimate: number
  readonly webSearches: number
}

export class CacheAccounting extends Context.Service<
  CacheAccounting,
  {
    readonly plan: (request: MessagesRequest, window: number) => Effect.Effect<CachePlan>
    /** The usage to report for an answer that ended; to be called once for each answer. */
    readonly settle: (plan: CachePlan, answered: Answered) => Effect.Effect<Usage>
  }
>()("weir/cache/CacheAccounting") {
  static readonly layer: Layer.Layer<CacheAccounting> = Layer.succeed(CacheAccounting, {
    plan: (request, window) => Effect.sync(() => ({ inputEstimate: estimateInput(request), window })),
    settle: (plan, answered) => Effect.sync(() => settled(plan, answered))
  })
}

const settled = (plan: CachePlan, answered: Answered): Usage => {
  const { cacheSource, counts, source } = measure(answered.usage, {
    input: plan.inputEstimate,
    output: answered.outputEstimate,
    window: plan.window
  })
  return {
    ...counts,
    cache_creation: {
      ephemeral_5m_input_tokens: counts.cache_creation_input_tokens,
      ephemeral_1h_input_tokens: 0
    },
    ...(answered.webSearches > 0 ? { server_tool_use: { web_search_requests: answered.webSearches } } : {}),
    weir: { source, cacheSource }
  }
}
