/**
 * Call: one request being served, from its headers to the release of its socket.
 */
import { Clock, Effect, Result } from "effect"
import { HttpIncomingMessage, HttpServerRequest, HttpServerResponse } from "effect/http"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { ServerResponse } from "node:http"
import { type AwsError, errorBody } from "./AwsError.ts"
import type { KiroState } from "./KiroState.ts"
import { type Sighting, sightingOf } from "./Observation.ts"
import type { Situation } from "./RuleBook.ts"
import type { Operation } from "./Script.ts"
import type { Caller } from "./SimulatedAccount.ts"
import { playTransport } from "./Transport.ts"
import { Wire } from "./Wire.ts"

/** Longest body that is read; a longer one is answered with 413. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
const BASE = "http://simulator.invalid"
const JSON_HEADERS = { "content-type": "application/json" }

export interface Call {
  readonly state: KiroState
  readonly wire: Wire
  readonly sighting: Sighting
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: URLSearchParams
  /** The address the client knows this server by, without a path. */
  readonly origin: string
  readonly body: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Makes a request handler: reads the body, notes the request, and lets `answer` write to the socket itself. */
export const serve = (state: KiroState, operation: Operation, answer: (call: Call) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const response = NodeHttpServerRequest.toServerResponse(request)
    if (!(response instanceof ServerResponse)) return HttpServerResponse.empty({ status: 505 })
    const body = yield* Effect.result(request.text)
    if (Result.isFailure(body)) return HttpServerResponse.empty({ status: 413 })
    const now = yield* Clock.currentTimeMillis
    const token = /^Bearer (\S+)$/.exec(request.headers["authorization"] ?? "")?.[1] ?? null
    const { headers, method, url: path } = request
    const sighting = state.observation.keep(
      sightingOf({ operation, method, path, headers: { ...headers }, body: body.success, token, receivedAt: now })
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => new Wire(response, sighting)),
      (wire) => Effect.sync(() => wire.release())
    ).pipe(
      Effect.flatMap((wire) => {
        const origin = `http://${headers["host"] ?? "localhost"}`
        const query = new URL(path, BASE).searchParams
        return answer({ state, wire, sighting, headers, query, origin, body: body.success, now })
      }),
      Effect.scoped
    )
    return HttpServerResponse.empty()
  }).pipe(Effect.provideService(HttpIncomingMessage.MaxBodySize, BigInt(MAX_BODY_BYTES)))

/** Answers with an AWS error that the simulator itself decided on. */
export const refuse = (call: Call, error: AwsError): Effect.Effect<void> => {
  call.sighting.refused = error
  const detail = (error.detail ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, 1_000)
  const headers = { ...JSON_HEADERS, "x-amzn-errortype": error.type, "x-simulator-detail": detail }
  return call.wire.answer(error.status, headers, JSON.stringify(errorBody(error)))
}

/** The caller of an operation that needs a bearer token; null: the call has been refused. */
export const authenticate = (call: Call): Effect.Effect<Caller | null> => {
  const { authorization, tokentype } = call.headers
  const caller = call.state.accounts.authenticate(authorization, tokentype?.toUpperCase(), call.now)
  return Result.isSuccess(caller) ? Effect.succeed(caller.success) : Effect.as(refuse(call, caller.failure), null)
}

/** Answers an operation that does not stream: by its rule, or as usual. `usual` is only called where its answer is sent. */
export const perform = Effect.fnUntraced(function* (
  call: Call,
  situation: Situation,
  usual: () => Effect.Effect<void>
) {
  for (const step of call.state.rules.choose(situation)) {
    if (call.wire.over) return
    if ("delay" in step) yield* Effect.sleep(step.delay)
    else yield* playTransport(step, call.wire)
  }
  if (!call.wire.over) yield* usual()
})

/** HTTP 200 with JSON. */
export const answerJson = (call: Call, value: unknown): Effect.Effect<void> =>
  call.wire.answer(200, JSON_HEADERS, JSON.stringify(value))

/** What a rule may name a caller by. */
export const namesOf = (caller: Caller): ReadonlyArray<string> => [caller.token, caller.account.name]
