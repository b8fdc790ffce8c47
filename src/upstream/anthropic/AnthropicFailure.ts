/**
 * AnthropicFailure: what an error of Anthropic's API means, as a status or in the middle of a stream. Pure.
 *
 * What is the client's to mend, and what is nobody's secret, is told to it word for word: clients recover by the wording.
 * What an account is told about itself, its key and its limits, is not.
 *
 * **Source:** Anthropic Messages API, errors.
 */
import { Option, Schema } from "effect"
import type { FailureKind, FailureReason, FailureScope, ToldError } from "../../message/FailureReason.ts"
import { usedUpUntil } from "../../message/RateLimits.ts"
import { redact } from "../../telemetry/Redaction.ts"
import { retryAfter } from "../RetryAfter.ts"
import { limitsIn } from "./AnthropicLimits.ts"

const Body = Schema.fromJsonString(
  Schema.Struct({
    error: Schema.Struct({
      type: Schema.String,
      message: Schema.String,
      details: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))
    })
  })
)
const decode = Schema.decodeUnknownOption(Body)

type AnthropicError = (typeof Body.Type)["error"]

/** What a kind is, and whether its words are for the client. */
type Meaning = readonly [kind: FailureKind, scope: FailureScope, isTold: boolean]

/**
 * @param headers names in lower case
 * @param now milliseconds since the epoch
 */
export const classify = (
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  now: number
): FailureReason => {
  const error = Option.getOrNull(decode(body))?.error ?? null
  const meaning = byStatus(status, error)
  const requestId = headers["request-id"]
  return {
    ...reasonOf(meaning, status, error),
    ...(requestId === undefined ? {} : { requestId }),
    retryAfterMs:
      retryAfter(headers["retry-after"], now) ?? (meaning[0] === "rate_limit" ? resetAfter(headers, now) : null)
  }
}

/** An `error` event. @param data its JSON */
export const classifyEvent = (data: string): FailureReason => {
  const error = Option.getOrNull(decode(data))?.error ?? null
  const status = statuses.get(error?.type ?? "") ?? 500
  return { ...reasonOf(byStatus(status, error), status, error), status: null, retryAfterMs: null }
}

const reasonOf = (
  [kind, scope, isTold]: Meaning,
  status: number,
  error: AnthropicError | null
): Omit<FailureReason, "retryAfterMs"> => ({
  kind,
  scope,
  status,
  message: redact(error?.message ?? `HTTP ${status}`),
  directoryKey: null,
  ...(error === null ? {} : { code: error.type }),
  ...(isTold && (error !== null || !ofOwn.has(kind)) ? { told: toldOf(kind, status, error) } : {})
})

/** What the client is told: the upstream's words, under the status and the type that belong together here. */
const toldOf = (kind: FailureKind, status: number, error: AnthropicError | null): ToldError => {
  const own = ofOwn.get(kind)
  return {
    status: own?.status ?? status,
    type: own?.type ?? error?.type ?? typeOf(status),
    message: error?.message ?? `HTTP ${status}`,
    details: error?.details ?? null
  }
}

/** The upstream's own trouble is the gateway's to its client, whatever status it came with. */
const ofOwn: ReadonlyMap<FailureKind, Pick<ToldError, "status" | "type">> = new Map([
  ["upstream_error", { status: 502, type: "api_error" }],
  ["timeout", { status: 504, type: "timeout_error" }],
  ["model_capacity", { status: 529, type: "overloaded_error" }]
])

const statuses: ReadonlyMap<string, number> = new Map([
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["billing_error", 402],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["request_too_large", 413],
  ["rate_limit_error", 429],
  ["api_error", 500],
  ["timeout_error", 504],
  ["overloaded_error", 529]
])

/** The type of a refusal that names none. */
const typeOf = (status: number): string => [...statuses].find(([, of]) => of === status)?.[0] ?? "invalid_request_error"

/** Accounts are refused as 400 for what only their owner can mend. */
const ofAccount: ReadonlyArray<readonly [words: RegExp, kind: FailureKind]> = [
  [/credit balance is too low|reached your specified api usage limits/i, "overage_request_limit"],
  [/organization has been disabled/i, "account_suspended"]
]

/** @param given one below 400 is none: the error's type tells what it should have been */
const byStatus = (given: number, error: AnthropicError | null): Meaning => {
  const status = given >= 400 ? given : (statuses.get(error?.type ?? "") ?? 500)
  const message = error?.message ?? ""
  if (error?.type === "overloaded_error") return ["model_capacity", "model", true]
  switch (status) {
    case 400: {
      const account = ofAccount.find(([words]) => words.test(message))
      if (account !== undefined) return [account[1], "credential", false]
      if (/prompt is too long/i.test(message)) return ["prompt_too_long", "none", true]
      const isSignature = /signature/i.test(message) && /thinking/i.test(message)
      return [isSignature ? "invalid_signature" : "invalid_request", "none", true]
    }
    case 401:
      return ["key_rejected", "credential", false]
    case 402:
      return ["overage_request_limit", "credential", false]
    case 403:
      return ["forbidden", "credential", false]
    case 404:
      // Not the API's own: something else answers at its address.
      if (error === null) return ["upstream_error", "upstream", false]
      return /^model\b/.test(message) ? ["invalid_model", "model", true] : ["invalid_request", "none", true]
    case 408:
    case 504:
      return ["timeout", "upstream", true]
    case 429:
      return ["rate_limit", "credential", false]
    case 529:
      return ["model_capacity", "model", true]
    default:
      return status >= 500 ? ["upstream_error", "upstream", true] : ["client_error", "none", true]
  }
}

/** When the limits that are used up begin anew, where the answer says nothing else. Milliseconds, or null. */
const resetAfter = (headers: Readonly<Record<string, string>>, now: number): number | null => {
  const until = usedUpUntil(limitsIn(headers), now)
  return until === null ? null : until - now
}
