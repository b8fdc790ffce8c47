/**
 * ErrorResponse: errors that the edge finds by itself, and how any error is written.
 *
 * **Source:** Anthropic Messages API, errors.
 */
import { error, type ErrorAnswer } from "../exchange/ErrorAnswer.ts"

export const methodNotAllowed = (method: string, path: string) =>
  error(405, "invalid_request_error", `${method} is not a method of ${path}`)
export const bodyTimeout = error(408, "timeout_error", "the request's body did not arrive in time", { close: true })
export const bodyTooLarge = (limit: string) =>
  error(413, "request_too_large", `the request's body is larger than ${limit}`, { close: true })
export const encodedBody = (encoding: string) =>
  error(415, "invalid_request_error", `content-encoding ${encoding} is not supported; send the body as it is`)

/** The body of an error answer. */
export const errorBody = ({ details, message, type }: ErrorAnswer, requestId: string) => ({
  type: "error",
  error: { type, message, ...(details === null ? {} : { details }) },
  request_id: requestId
})

/**
 * The headers of an error answer beside those of any answer. A wrong key stays wrong, and clients that would try it ten
 * times more are told so.
 *
 * **Source:** Anthropic's SDKs read `x-should-retry`.
 */
export const errorHeaders = ({ close, retryAfterMs, type }: ErrorAnswer): Record<string, string> => ({
  ...(type === "authentication_error" ? { "x-should-retry": "false" } : {}),
  ...(retryAfterMs === null ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
  ...(close ? { connection: "close" } : {})
})
