/**
 * Answer: answers that go through the router: errors, and JSON that is not on the hot path.
 */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { type ErrorAnswer } from "../exchange/ErrorAnswer.ts"
import { errorBody, errorHeaders } from "./ErrorResponse.ts"
import { RequestId } from "./RequestId.ts"

/** An error answer. */
export const fail = (error: ErrorAnswer): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(RequestId, (id) =>
    HttpServerResponse.jsonUnsafe(errorBody(error, id), { status: error.status, headers: errorHeaders(error) })
  )

/** A 200 with JSON. */
export const json = (value: unknown): HttpServerResponse.HttpServerResponse => HttpServerResponse.jsonUnsafe(value)

/** The same with JSON that is written already. */
export const jsonText = (
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse => {
  const options = { contentType: "application/json", headers }
  return typeof body === "string"
    ? HttpServerResponse.text(body, options)
    : HttpServerResponse.uint8Array(body, options)
}
