/**
 * MessagesRoutes: `POST /v1/messages` and `/v1/messages/count_tokens`, and the same under `/cc/v1` for clients that read
 * usage only from `message_start`.
 */
import { Effect, Result } from "effect"
import { HttpRouter, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { Exchange } from "../exchange/Exchange.ts"
import { ModelList } from "../exchange/ModelList.ts"
import type { AnswerHead } from "../exchange/Relay.ts"
import { TokenCount } from "../exchange/TokenCount.ts"
import { estimateInput } from "../message/RequestEstimate.ts"
import { validateCountTokensRequest, validateMessagesRequest } from "../message/MessagesRequest.ts"
import type { ClientIdentity } from "../policy/ClientKeys.ts"
import { KeyAdmission } from "../policy/KeyAdmission.ts"
import { fail, jsonText } from "./Answer.ts"
import { admitted, makeAdmit, makeWithin } from "./ClientRoute.ts"
import { corsHeaders } from "./Cors.ts"
import { draining, fromDefect, fromExchange, fromKey, internal } from "../exchange/ErrorAnswer.ts"
import { MessagesResponse } from "./MessagesResponse.ts"
import { rateLimitHeaders } from "./RateLimitHeaders.ts"
import { type BodyLimits, readBody } from "./RequestBody.ts"
import { RequestId } from "./RequestId.ts"
import { attemptsOf, logged, queryOf, refuse, sent, triedBy } from "./SocketAnswer.ts"

export interface MessagesRoutesOptions extends BodyLimits {
  readonly corsOrigins: ReadonlyArray<string>
}

export const layer = (options: MessagesRoutesOptions) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const admit = yield* makeAdmit
      const exchange = yield* Exchange
      const tokens = yield* TokenCount
      const admission = yield* KeyAdmission
      const models = yield* ModelList
      const within = yield* makeWithin
      const modelOf = ({ model }: { readonly model: string }) => ({ name: model, resolved: models.resolve(model).id })

      const messages = (hold: boolean) =>
        admitted(
          admit,
          Effect.fnUntraced(function* (request, identity) {
            const id = yield* RequestId
            const own = { ...corsHeaders(request.headers["origin"], options.corsOrigins), "request-id": id }
            const socket = MessagesResponse.of(request, (head) => ({
              ...own,
              ...rateLimitHeaders(admission.standing(identity.id)),
              ...headersOf(head),
              ...policyOf(head)
            }))
            if (socket === null) return yield* fail(internal)
            return yield* Effect.scoped(answer(socket, request, identity, own, id, hold)).pipe(
              Effect.catchDefect((defect) => refuse(socket, own, id, fromDefect(defect), defect)),
              Effect.onInterrupt(() => Effect.suspend(() => refuse(socket, own, id, draining)))
            )
          })
        )

      const answer = Effect.fnUntraced(function* (
        socket: MessagesResponse,
        { headers, url }: HttpServerRequest.HttpServerRequest,
        identity: ClientIdentity,
        own: Readonly<Record<string, string>>,
        id: string,
        hold: boolean
      ) {
        const body = yield* readBody(socket, headers, options, validateMessagesRequest)
        if (Result.isFailure(body)) return yield* refuse(socket, own, id, body.failure)
        const { bytes, value: request } = body.success
        const permit = yield* Effect.result(
          admission.admit(identity.id, { model: modelOf(request), estimate: () => estimateInput(request) })
        )
        const limits = () => rateLimitHeaders(admission.standing(identity.id))
        if (Result.isFailure(permit)) return yield* refuse(socket, { ...own, ...limits() }, id, fromKey(permit.failure))
        const client = {
          requestId: id,
          request,
          original: { body: bytes, headers, query: queryOf(url) },
          id: identity.id,
          session: headers["x-claude-code-session-id"] ?? null,
          hold,
          isGone: () => socket.isGone,
          settled: permit.success.settle
        }
        if (request.stream === true) {
          const streamed = yield* Effect.result(exchange.stream(client, socket))
          if (Result.isFailure(streamed))
            return yield* refuse(socket, triedBy(own, streamed.failure), id, fromExchange(streamed.failure))
          socket.end()
          return sent
        }
        const whole = yield* Effect.result(exchange.complete(client))
        if (Result.isFailure(whole))
          return yield* refuse(socket, triedBy(own, whole.failure), id, fromExchange(whole.failure))
        const { body: answered, head, usage } = whole.success
        const source = usage.weir?.source
        const more = {
          ...(source === undefined ? {} : { "weir-usage-source": source }),
          ...(usage.weir?.measured === undefined ? {} : policyOf(head))
        }
        socket.send(200, { ...own, ...limits(), ...headersOf(head), ...more }, answered)
        return sent
      })

      const countTokens = admitted(
        admit,
        Effect.fnUntraced(
          function* (request, identity) {
            const socket = MessagesResponse.of(request, () => ({}))
            if (socket === null) return yield* fail(internal)
            const body = yield* readBody(socket, request.headers, options, validateCountTokensRequest)
            if (Result.isFailure(body)) return yield* fail(body.failure)
            const { bytes, value } = body.success
            const original = { body: bytes, headers: request.headers, query: queryOf(request.url) }
            const counting = Effect.gen(function* () {
              const counted = yield* Effect.result(tokens.count({ request: value, original, client: identity.id }))
              if (Result.isFailure(counted)) {
                const refusal = yield* fail(fromExchange(counted.failure))
                return HttpServerResponse.setHeaders(refusal, triedBy({}, counted.failure))
              }
              const { body: told, by } = counted.success
              const headers =
                by === null
                  ? { "weir-usage-source": "estimated" }
                  : { "weir-usage-source": "upstream", ...attemptsOf(by) }
              return jsonText(told, headers)
            })
            return yield* within(identity, { model: modelOf(value), estimate: null }, counting)
          },
          Effect.catchDefect((defect) => logged(defect, fail(fromDefect(defect))))
        )
      )

      yield* router.add("POST", "/v1/messages", messages(false))
      yield* router.add("POST", "/cc/v1/messages", messages(true))
      yield* router.add("POST", "/v1/messages/count_tokens", countTokens)
      yield* router.add("POST", "/cc/v1/messages/count_tokens", countTokens)
    })
  )

/** That an operator's policy may have changed the figures, and how. */
const policyOf = ({ reportedRatio }: AnswerHead): Record<string, string> =>
  reportedRatio === null ? {} : { "weir-usage-policy": `reported; ratio=${reportedRatio}` }

const headersOf = (head: AnswerHead): Record<string, string> => ({
  ...attemptsOf(head),
  "server-timing": [
    `queue;dur=${head.queue}`,
    ...(head.upstreamHeader === null ? [] : [`upstreamHeader;dur=${head.upstreamHeader}`]),
    ...(head.firstEvent === null ? [] : [`firstEvent;dur=${head.firstEvent}`])
  ].join(", ")
})
