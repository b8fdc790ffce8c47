/**
 * TokenCount: how many tokens a request's input has: by the upstream's own count where the first that would be asked for
 * the model can count, else by our estimate.
 *
 * A client's own mistake is told in the upstream's words; whatever else goes wrong, the estimate stands in.
 */
import { Clock, Context, Duration, Effect, Layer, Option, Schema } from "effect"
import { withMembers } from "../codec/JsonText.ts"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import type { ClientKeyId, UpstreamId } from "../message/Ids.ts"
import type { CountTokensRequest } from "../message/MessagesRequest.ts"
import type { Original } from "../message/Original.ts"
import { estimateInput } from "../message/RequestEstimate.ts"
import { UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import type { ExchangeError } from "./ExchangeError.ts"
import { forwardWhole, type Tried, type WholeAnswer } from "./Forwarding.ts"
import { ModelList } from "./ModelList.ts"
import { ownerOf } from "./Pins.ts"
import { PinStore } from "./PinStore.ts"

/** A client's question, as it stands after validation. */
export interface CountRequest {
  readonly request: CountTokensRequest
  readonly original: Original
  readonly client: ClientKeyId
}

/** How many there are. */
export interface Count {
  /** JSON with `input_tokens`; the upstream's own where it counted. */
  readonly body: string | Uint8Array
  /** Who counted; null: it is our estimate. */
  readonly by: Tried | null
}

export class TokenCount extends Context.Service<
  TokenCount,
  { readonly count: (client: CountRequest) => Effect.Effect<Count, ExchangeError> }
>()("weir/exchange/TokenCount") {
  /** @param upstreams those that can count; no other is asked */
  static readonly layer = (
    upstreams: ReadonlyArray<UpstreamId>
  ): Layer.Layer<TokenCount, never, CredentialPool | ModelList | PinStore | RuntimeSettings | UpstreamProvider> =>
    Layer.effect(TokenCount, make(upstreams))
}

/** Most credentials that are asked, and how long a client waits for them before it is told the estimate. */
const mostTries = 3
const patience = Duration.seconds(10)

const make = Effect.fnUntraced(function* (upstreams: ReadonlyArray<UpstreamId>) {
  const models = yield* ModelList
  const pins = yield* PinStore
  const settings = yield* RuntimeSettings
  const services = { pool: yield* CredentialPool, provider: yield* UpstreamProvider, clock: yield* Clock.Clock }

  const counted = Effect.fnUntraced(function* (
    { client, original, request }: CountRequest,
    upstream: UpstreamId
  ): Effect.fn.Return<WholeAnswer, ExchangeError> {
    const only = yield* ownerOf(pins, request)
    const model = models.resolve(request.model)
    const { headerTimeout, idleTimeout } = settings.current().retry
    const call = {
      method: "POST",
      path: "/v1/messages/count_tokens",
      query: original.query,
      headers: original.headers,
      body: model.named === null ? original.body : renamed(original.body, model.named),
      headerTimeoutMs: Duration.toMillis(headerTimeout),
      idleTimeoutMs: Duration.toMillis(idleTimeout)
    } as const
    const need = { model: model.id, upstreams: [upstream], only, holder: null, conversation: null, client }
    return yield* forwardWhole(services, {
      call,
      need,
      tries: only === null ? mostTries : 1,
      mayRepeat: () => true
    })
  })

  return TokenCount.of({
    count: Effect.fn("TokenCount.count")(function* (client) {
      const [first] = models.route(client.request.model)
      const answer =
        first === undefined || !upstreams.includes(first)
          ? null
          : yield* Effect.timeoutOption(counted(client, first), patience).pipe(
              Effect.map(Option.getOrNull),
              Effect.catchIf(
                (error) => !isClients(error),
                (error) => Effect.as(Effect.logDebug("Tokens are estimated: the upstream did not count", error), null)
              )
            )
      return answer !== null && isCount(answer.body)
        ? { body: answer.body, by: answer.tried }
        : { body: JSON.stringify({ input_tokens: estimateInput(client.request) }), by: null }
    })
  })
})

const readCount = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ input_tokens: Schema.Number })))
const isCount = (body: Uint8Array): boolean => Option.isSome(readCount(new TextDecoder().decode(body)))

const renamed = (body: Uint8Array, model: string): Uint8Array => {
  const changed = withMembers(new TextDecoder().decode(body), [], { model })
  return changed === null ? body : new TextEncoder().encode(changed)
}

/** Whether the client's own request is at fault, and told of in the upstream's words. */
const isClients = ({ reason }: ExchangeError): boolean =>
  reason._tag === "Upstream" && reason.failure.told?.status === 400
