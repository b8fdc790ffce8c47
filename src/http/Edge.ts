/**
 * Edge: what stands around every route: each request gets its id, and whatever no route answers is answered in JSON: a
 * path that is not there, a method that a path does not take, a mistake of ours.
 */
import { Effect, type Layer, Option, Schema } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { makeId } from "../exchange/AnswerIds.ts"
import { fail } from "./Answer.ts"
import { internal, notFound } from "../exchange/ErrorAnswer.ts"
import { methodNotAllowed } from "./ErrorResponse.ts"
import { RequestId } from "./RequestId.ts"

export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.middleware(
  (serve) => {
    const answered = serve.pipe(
      Effect.catchIf(isUnknownRoute, () => unknownRoute),
      Effect.catchDefect(defective)
    )
    return Effect.flatMap(makeId("req_"), (id) =>
      Effect.map(Effect.provideService(answered, RequestId, id), (response) =>
        HttpServerResponse.setHeader(response.status < 400 ? response : withId(response, id), "request-id", id)
      )
    )
  },
  { global: true }
)

/** Paths of the client API and of probes, by the method that they take; asked by another, they are there all the same. */
const paths: ReadonlyArray<readonly [method: string, path: RegExp]> = [
  ["GET", /^(?:\/(?:livez|readyz|metrics)?|\/v1\/models(?:\/[^/]+)?)$/],
  ["POST", /^\/(?:v1|cc\/v1)\/messages(?:\/count_tokens)?$/],
  ["GET", /^\/v1\/(?:files(?:\/[^/]+(?:\/content)?)?|messages\/batches(?:\/[^/]+(?:\/results)?)?)$/],
  ["POST", /^\/v1\/(?:files|messages\/batches(?:\/[^/]+\/cancel)?)$/],
  ["DELETE", /^\/v1\/(?:files|messages\/batches)\/[^/]+$/]
]

/** Errors of routes that know nothing of the id get it too. */
const withId = (response: HttpServerResponse.HttpServerResponse, id: string) => {
  const { body, headers, status } = response
  if (body._tag !== "Uint8Array" || body.contentType !== "application/json") return response
  return Option.match(readError(new TextDecoder().decode(body.body)), {
    onNone: () => response,
    onSome: (told) =>
      "request_id" in told ? response : HttpServerResponse.jsonUnsafe({ ...told, request_id: id }, { status, headers })
  })
}

const readError = Schema.decodeUnknownOption(
  Schema.fromJsonString(
    Schema.StructWithRest(Schema.Struct({ type: Schema.Literal("error") }), [
      Schema.Record(Schema.String, Schema.Unknown)
    ])
  )
)

const unknownRoute = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
  const path = (url.split("?", 1)[0] ?? "").slice(0, 256)
  const own = method === "HEAD" ? "GET" : method
  const taken = paths.filter(([, pattern]) => pattern.test(path))
  const isThere = taken.length > 0 && taken.every(([takes]) => takes !== own)
  return fail(isThere ? methodNotAllowed(method, path) : notFound(`there is nothing at ${path}`))
})

const isUnknownRoute = (error: unknown): boolean =>
  HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"

const defective = (defect: unknown) =>
  Effect.andThen(Effect.logError("A request met a mistake of the program", defect), fail(internal))
