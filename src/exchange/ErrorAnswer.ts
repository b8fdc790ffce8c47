/**
 * ErrorAnswer: what a client is told when it gets no answer, or loses it on the way. The only place that chooses status
 * codes by failures: the ledger keeps what the client is told.
 *
 * 401 and 403 are only ever about the client's own key: a credential that is refused upstream is the gateway's trouble,
 * not the client's, and reads as 502.
 *
 * **Source:** Anthropic Messages API, errors.
 */
import type { CredentialPoolError } from "../credential/CredentialPoolError.ts"
import type { FailureReason } from "../message/FailureReason.ts"
import type { KeyRefused } from "../policy/KeyRefused.ts"
import type { ExchangeError } from "./ExchangeError.ts"

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

export interface ErrorAnswer {
  readonly status: number
  /** One of {@link ErrorType}, or what an upstream of the same language says. */
  readonly type: string
  readonly message: string
  /** When it is worth trying again. Milliseconds from now, or null. */
  readonly retryAfterMs: number | null
  /** `error.details`: what clients recover by, or null. */
  readonly details: Readonly<Record<string, unknown>> | null
  /** The connection ends with this answer. */
  readonly close: boolean
}

/** An answer that is worth no second try unless `more` says so. */
export const error = (
  status: number,
  type: ErrorType,
  message: string,
  more: Partial<Pick<ErrorAnswer, "retryAfterMs" | "details" | "close">> = {}
): ErrorAnswer => ({ status, type, message, retryAfterMs: null, details: null, close: false, ...more })

/** Shortest `retry-after` where nothing better is known. Milliseconds. */
const soon = 1_000

export const invalidRequest = (message: string) => error(400, "invalid_request_error", message)
export const invalidKey = error(401, "authentication_error", "invalid x-api-key")
export const notFound = (message: string) => error(404, "not_found_error", message)
export const draining = error(529, "overloaded_error", "the gateway is shutting down", {
  retryAfterMs: soon,
  close: true
})
/** A mistake of ours. What it was is in the log. */
export const internal = error(500, "api_error", "internal error of the gateway")

/** What the refusal of a key's request means for the client. */
export const fromKey = ({ reason }: KeyRefused): ErrorAnswer => {
  switch (reason._tag) {
    case "NoKey":
      return invalidKey
    case "Model":
      return error(403, "permission_error", `model: this key may not use ${reason.model.slice(0, longestName)}`)
    case "Batch":
      return error(403, "permission_error", "this key's tokens are limited, and a batch cannot be held to that")
    case "Limit":
      return error(
        429,
        "rate_limit_error",
        `this key's limit of ${limits[reason.limit](reason.most)} is reached`,
        reason
      )
    case "Budget":
      return error(429, "rate_limit_error", `this key's budget of the ${reason.per} is used up`, reason)
  }
}

/** A model's name that is told back. Characters. */
const longestName = 256

const limits = {
  requests: (most: number) => `${most} requests a minute`,
  tokens: (most: number) => `${most} tokens a minute`,
  concurrent: (most: number) => `${most} requests at a time`
} as const

/** What an exchange's failure means for the client. */
export const fromExchange = ({ reason, recoversInMs }: ExchangeError): ErrorAnswer => {
  switch (reason._tag) {
    case "Refused":
      return invalidRequest(reason.path === "" ? reason.problem : `${reason.path}: ${reason.problem}`)
    case "ThreadNotFound":
      return error(404, "not_found_error", "no thread is kept here that goes on from this message", {
        details: { error_code: "thread_not_found" }
      })
    case "NotHere":
      return notFound(reason.problem)
    case "BudgetSpent":
      return error(529, "overloaded_error", "no upstream answered in time", { retryAfterMs: soon })
    case "Unrecorded":
      return error(529, "overloaded_error", "the gateway's storage fails", { retryAfterMs: soon })
    case "Pool":
      return fromPool(reason.pool)
    case "Upstream":
      return fromUpstream(reason.failure, recoversInMs ?? null)
  }
}

/**
 * What a mistake of the program means for the client. JSON may be nested as deep as its author likes; writing it out
 * again recurses, and runs out of stack where nobody sends such a thing in earnest.
 */
export const fromDefect = (defect: unknown): ErrorAnswer =>
  defect instanceof RangeError ? invalidRequest("the body is nested too deeply") : internal

const fromPool = (reason: CredentialPoolError["reason"]): ErrorAnswer => {
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
    case "Gone":
      return notFound("the account at which this lives is gone")
    case "Full":
      return error(529, "overloaded_error", "every credential is busy", reason)
    case "NoToken":
      return error(502, "api_error", "no credential could renew its access")
  }
}

/** @param recoversInMs when the first credential recovers, or null where that is not known */
const fromUpstream = (failure: FailureReason, recoversInMs: number | null): ErrorAnswer => {
  const { kind, message, told } = failure
  const retryAfterMs = recoversInMs ?? failure.retryAfterMs
  if (told !== undefined) {
    return { ...told, retryAfterMs: retryAfterMs ?? (told.status === 529 ? soon : null), close: false }
  }
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
    case "key_rejected":
    case "forbidden":
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
