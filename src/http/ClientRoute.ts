/**
 * ClientRoute: what every route of the client API checks before its own work: readiness, whose request it is, and
 * whether it stays within the limits of its key.
 */
import { Effect, Result } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { type ClientIdentity, ClientKeys, presentedKeys } from "../policy/ClientKeys.ts"
import { KeyAdmission, type KeyNeed } from "../policy/KeyAdmission.ts"
import { fail } from "./Answer.ts"
import { draining, type ErrorAnswer, fromKey, invalidKey } from "../exchange/ErrorAnswer.ts"
import { rateLimitHeaders } from "./RateLimitHeaders.ts"
import { Readiness } from "./Readiness.ts"

type Response = HttpServerResponse.HttpServerResponse

/** Why a request is not served at all, or who asks. */
export type Admission =
  | { readonly refusal: ErrorAnswer }
  | { readonly refusal: null; readonly identity: ClientIdentity; readonly request: HttpServerRequest.HttpServerRequest }

/** Decides whether to serve a request. */
export const makeAdmit = Effect.gen(function* () {
  const keys = yield* ClientKeys
  const readiness = yield* Readiness
  return (request: HttpServerRequest.HttpServerRequest): Admission => {
    if (!readiness.isServing()) return { refusal: draining }
    for (const key of presentedKeys(request.headers)) {
      const identity = keys.client(key)
      if (identity !== null) return { refusal: null, identity, request }
    }
    return { refusal: invalidKey }
  }
})

/** A handler for those who may ask. */
export const admitted = <E, R>(
  admit: (request: HttpServerRequest.HttpServerRequest) => Admission,
  serve: (request: HttpServerRequest.HttpServerRequest, identity: ClientIdentity) => Effect.Effect<Response, E, R>
): Effect.Effect<Response, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): Effect.Effect<Response, E, R> => {
    const admission = admit(request)
    return admission.refusal === null ? serve(request, admission.identity) : fail(admission.refusal)
  })

/** Serves a request within the limits of its key; the answer says how these stand. It must not be long. */
export const makeWithin = Effect.map(
  KeyAdmission,
  (admission) =>
    <E, R>(
      { id }: ClientIdentity,
      need: KeyNeed,
      serve: Effect.Effect<Response, E, R>
    ): Effect.Effect<Response, E, R> =>
      Effect.result(admission.admit(id, need)).pipe(
        Effect.flatMap((admitted): Effect.Effect<Response, E, R> =>
          Result.isFailure(admitted) ? fail(fromKey(admitted.failure)) : serve
        ),
        Effect.map((response) =>
          response.status === 200 || response.status === 429
            ? HttpServerResponse.setHeaders(response, rateLimitHeaders(admission.standing(id)))
            : response
        ),
        Effect.scoped
      )
)
