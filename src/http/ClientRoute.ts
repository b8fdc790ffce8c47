/**
 * ClientRoute: what every route of the client API checks before its own work: readiness, and whose request it is.
 */
import { Effect } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { type ClientIdentity, ClientKeys, presentedKeys } from "../policy/ClientKeys.ts"
import { fail } from "./Answer.ts"
import { draining, type ErrorAnswer } from "../exchange/ErrorAnswer.ts"
import { invalidKey } from "./ErrorResponse.ts"
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
