/**
 * FailurePreset: the ways in which Anthropic's API fails, by name.
 *
 * **Source:** `core/error` of `@anthropic-ai/sdk` 1.12; Anthropic's documentation of errors.
 */
import { Schema } from "effect"
import { namesOf } from "../FailurePreset.ts"

/** An HTTP answer that is not a success. */
export const HttpFailure = Schema.Struct({
  status: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })),
  /** `error.type`. @default "api_error" */
  type: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  /** `error.details`. */
  details: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  /** Headers beside the usual ones; null: not that one. */
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.NullOr(Schema.String))),
  /** Instead of the usual body. A string is sent as it is, with content type `text/html`; anything else as JSON. */
  body: Schema.optionalKey(Schema.Unknown)
})
export type HttpFailure = typeof HttpFailure.Type

/** What a preset stands for. `network`: the socket closes before any header; `hang`: no header ever. */
export type Failure = HttpFailure | "network" | "hang"

const failure = (status: number, type: string, message: string): HttpFailure => ({ status, type, message })

const presets = {
  network: "network",
  header_timeout: "hang",

  invalid_request: failure(400, "invalid_request_error", "Error"),
  prompt_too_long: failure(400, "invalid_request_error", "prompt is too long: 213462 tokens > 200000 maximum"),
  credit_balance: failure(
    400,
    "invalid_request_error",
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."
  ),
  authentication: failure(401, "authentication_error", "invalid x-api-key"),
  billing: failure(402, "billing_error", "There is a problem with your organization's billing."),
  permission: failure(403, "permission_error", "Your API key does not have permission to use the specified resource."),
  organization_disabled: failure(400, "invalid_request_error", "This organization has been disabled."),
  not_found: failure(404, "not_found_error", "Not found"),
  thread_not_found: {
    ...failure(404, "not_found_error", "The thread was not found."),
    details: { error_code: "thread_not_found" }
  },
  thread_unsupported: {
    ...failure(400, "invalid_request_error", "This request cannot be part of a thread."),
    details: { error_code: "thread_unsupported_request", unsupported: ["tools"] }
  },
  too_large: failure(413, "request_too_large", "Request exceeds the maximum allowed number of bytes."),
  /** With `retry-after`, in seconds, of which a rule can say another number. */
  rate_limit: {
    ...failure(
      429,
      "rate_limit_error",
      "This request would exceed your organization's rate limit of 50 requests per minute."
    ),
    headers: { "retry-after": "1" }
  },
  /** Without `retry-after`. */
  rate_limit_silent: failure(
    429,
    "rate_limit_error",
    "Number of request tokens has exceeded your per-minute rate limit."
  ),
  /** As a subscription's limit is told. */
  usage_limit: {
    ...failure(429, "rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    headers: { "x-should-retry": "false" }
  },
  internal: failure(500, "api_error", "Internal server error"),
  unavailable: failure(503, "api_error", "Service unavailable"),
  timeout: failure(504, "timeout_error", "Request timed out"),
  overloaded: failure(529, "overloaded_error", "Overloaded"),
  bad_gateway: {
    status: 502,
    body: "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n"
  },
  /** An error in JSON that is not the API's own. */
  foreign_error: { status: 500, body: { message: "upstream connect error" } },
  /** Content type JSON, and none in it. */
  broken_error: { status: 500, body: '{"type":"error","err', headers: { "content-type": "application/json" } },
  empty_error: { status: 503, body: "" },
  redirect: { status: 302, headers: { location: "https://example.com/" }, body: "" }
} as const satisfies Record<string, Failure>

/** Name of a preset. */
export const FailureName = Schema.Literals(namesOf(presets))
export type FailureName = typeof FailureName.Type

/** What a preset stands for. */
export const failureOf = (name: FailureName): Failure => presets[name]
