/**
 * AnthropicModels: the models that an account of Anthropic's API may use.
 *
 * **Source:** Anthropic API, `GET /v1/models`.
 */
import { Effect, Schema } from "effect"
import type { Lease } from "../../message/Lease.ts"
import { canonicalModel } from "../../message/ModelName.ts"
import type { Sender } from "../Dispatch.ts"
import { broken, failure, type UpstreamFailure } from "../UpstreamFailure.ts"
import type { UpstreamModel } from "../UpstreamProvider.ts"
import { addressOf, type AnthropicOptions, credentialHeader, ownHeaders, rejected } from "./AnthropicHttp.ts"

/** Pages of a thousand that are read. */
const mostPages = 8
const timeoutMs = 10_000

const Info = Schema.StructWithRest(Schema.Struct({ id: Schema.String }), [Schema.Record(Schema.String, Schema.Unknown)])
const Page = Schema.fromJsonString(
  Schema.Struct({
    data: Schema.Array(Info),
    has_more: Schema.optionalKey(Schema.Boolean),
    last_id: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
)
const decode = Schema.decodeUnknownEffect(Page)

export const listModels = Effect.fnUntraced(function* (
  dispatch: Sender,
  options: AnthropicOptions,
  lease: Lease
): Effect.fn.Return<ReadonlyArray<UpstreamModel>, UpstreamFailure> {
  const models: Array<UpstreamModel> = []
  let after: string | null = null
  for (let page = 0; page < mostPages; page++) {
    const query: string = `?limit=1000${after === null ? "" : `&after_id=${encodeURIComponent(after)}`}`
    const response = yield* Effect.mapError(
      dispatch.collect({
        url: addressOf(options, "/v1/models", query),
        method: "GET",
        headers: { ...ownHeaders(options), ...credentialHeader(lease) },
        body: null,
        headerTimeoutMs: timeoutMs,
        idleTimeoutMs: timeoutMs
      }),
      broken
    )
    if (response.status !== 200) return yield* rejected(response, lease)
    const listed: typeof Page.Type = yield* Effect.mapError(decode(response.body), () => unreadable)
    models.push(...listed.data.map(modelOf))
    after = listed.has_more === true ? (listed.last_id ?? null) : null
    if (after === null) break
  }
  return models
})

const modelOf = (info: typeof Info.Type): UpstreamModel => ({
  id: canonicalModel(info.id),
  name: typeof info["display_name"] === "string" ? info["display_name"] : info.id,
  maxInputTokens: numberIn(info["max_input_tokens"]),
  maxOutputTokens: numberIn(info["max_tokens"]),
  promptCaching: null,
  info
})

const numberIn = (value: unknown): number | null => (typeof value === "number" ? value : null)

const unreadable = failure("upstream_error", "upstream", "the upstream's list of models is not readable")
