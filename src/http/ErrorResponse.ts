/**
 * ErrorResponse: what a client is told when it gets no answer. The only place that knows status codes.
 *
 * 401 and 403 are only ever about the client's own key: a credential that is refused upstream is the gateway's trouble,
 * not the client's, and reads as 502.
 *
 * **Source:** Anthropic Messages API, errors.
 */
import type { CredentialPoolError } from "../credential/CredentialPoolError.ts"
import type { ExchangeError } from "../exchange/ExchangeError.ts"
import type { FailureReason } from "../message/FailureReason.ts"

/** Anthropic's error types. */
export type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "billing_error"
  | "permission_error"
  | "not_found_error"
  | "request_too_large"
  | "rate_limit_error"
  | "timeout_error"
  | "overloaded_error"
  | "api_error"

export interface ErrorResponse {
  readonly status: number
  readonly type: ErrorType
  readonly message: string
  /** When it is worth trying again. Milliseconds from now, or null. */
  readonly retryAfterMs: number | null
  /** `error.details.error_code`, for errors that clients recover from by themselves, or null. */
  readonly code: string | null
  /** The connection ends with this answer. */
  readonly close: boolean
}

const error = (
  status: number,
  type: ErrorType,
  message: string,
  more: Partial<Pick<ErrorResponse, "retryAfterMs" | "code" | "close">> = {}
): ErrorResponse => ({ status, type, message, retryAfterMs: null, code: null, close: false, ...more })

/** Shortest `retry-after` where nothing better is known. Milliseconds. */
const soon = 1_000

export const invalidRequest = (message: string) => error(400, "invalid_request_error", message)
export const invalidKey = error(401, "authentication_error", "invalid x-api-key")
export const notFound = (message: string) => error(404, "not_found_error", message)
export const methodNotAllowed = (method: string, path: string) =>
  error(405, "invalid_request_error", `${method} is not a method of ${path}`)
export const bodyTimeout = error(408, "timeout_error", "the request's body did not arrive in time", { close: true })
export const bodyTooLarge = (limit: string) =>
  error(413, "request_too_large", `the request's body is larger than ${limit}`, { close: true })
export const encodedBody = (encoding: string) =>
  error(415, "invalid_request_error", `content-encoding ${encoding} is not supported; send the body as it is`)
export const draining = error(529, "overloaded_error", "the gateway is shutting down", {
  retryAfterMs: soon,
  close: true
})
/** A mistake of ours. What it was is in the log. */
export const internal = error(500, "api_error", "internal error of the gateway")

/** What an exchange's failure means for the client. */
export const fromExchange = ({ reason, recoversInMs }: ExchangeError): ErrorResponse => {
  switch (reason._tag) {
    case "Refused":
      return invalidRequest(reason.path === "" ? reason.problem : `${reason.path}: ${reason.problem}`)
    case "ThreadNotFound":
      return error(404, "not_found_error", "this upstream keeps no threads", { code: "thread_not_found" })
    case "BudgetSpent":
      return error(529, "overloaded_error", "no upstream answered in time", { retryAfterMs: soon })
    case "Pool":
      return fromPool(reason.pool)
    case "Upstream":
      return fromUpstream(reason.failure, recoversInMs ?? null)
  }
}

const fromPool = (reason: CredentialPoolError["reason"]): ErrorResponse => {
  switch (reason._tag) {
    case "Cooling":
      return reason.limited
        ? error(429, "rate_limit_error", "every credential is over a limit of its upstream", reason)
        : error(529, "overloaded_error", "every credential rests after failures of the upstream", reason)
    case "OutOfQuota":
      return error(402, "billing_error", "every credential is out of its monthly quota")
    case "NoneEnabled":
      return error(529, "overloaded_error", "no credential is enabled", { retryAfterMs: soon })
    case "NoneSuits":
      return notFound(`model: ${reason.model} is not offered by any credential`)
    case "Full":
      return error(529, "overloaded_error", "every credential is busy", reason)
    case "NoToken":
      return error(502, "api_error", "no credential could renew its access")
  }
}

/** @param recoversInMs when the first credential recovers, or null where that is not known */
const fromUpstream = (failure: FailureReason, recoversInMs: number | null): ErrorResponse => {
  const { kind, message } = failure
  const retryAfterMs = recoversInMs ?? failure.retryAfterMs
  switch (kind) {
    case "network":
    case "upstream_error":
    case "stream_broken":
      return error(502, "api_error", `the upstream failed: ${message}`, { retryAfterMs: recoversInMs })
    case "timeout":
      return error(504, "timeout_error", message, { retryAfterMs: recoversInMs })
    case "rate_limit":
    case "overage_request_limit":
    case "suspicious_activity":
      return error(429, "rate_limit_error", "the upstream's limit is reached", { retryAfterMs: retryAfterMs ?? soon })
    case "quota_exceeded":
      return error(529, "overloaded_error", "every credential tried is out of its quota", { retryAfterMs: soon })
    case "account_suspended":
    case "token_rejected":
    case "auth":
      return error(502, "api_error", "the upstream refused the credential")
    case "model_capacity":
      return error(529, "overloaded_error", `the model has no capacity now: ${message}`, {
        retryAfterMs: retryAfterMs ?? soon
      })
    case "invalid_model":
      return notFound(`model: ${message}`)
    case "prompt_too_long":
      return invalidRequest(`prompt is too long: ${message}`)
    case "invalid_conversation":
    case "invalid_signature":
    case "document_refused":
    case "invalid_request":
      return invalidRequest(message)
    case "client_error":
      return error(502, "api_error", `the upstream refused the call: ${message}`)
  }
}

/** The body of an error answer. */
export const errorBody = ({ code, message, type }: ErrorResponse, requestId: string) => ({
  type: "error",
  error: { type, message, ...(code === null ? {} : { details: { error_code: code } }) },
  request_id: requestId
})

/**
 * The headers of an error answer beside those of any answer. A wrong key stays wrong, and clients that would try it ten
 * times more are told so.
 *
 * **Source:** Anthropic's SDKs read `x-should-retry`.
 */
export const errorHeaders = ({ close, retryAfterMs, type }: ErrorResponse): Record<string, string> => ({
  ...(type === "authentication_error" ? { "x-should-retry": "false" } : {}),
  ...(retryAfterMs === null ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
  ...(close ? { connection: "close" } : {})
})
