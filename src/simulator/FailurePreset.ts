/**
 * FailurePreset: every way in which Kiro is known to fail, by name.
 *
 * **Source:** exceptions, statuses and `reason` values of AWS's published `codewhisperer-streaming` model; wording as
 * observed by public Kiro clients.
 */
import { Schema } from "effect"

/** An HTTP answer that is not a success. `type` becomes `x-amzn-errortype`; `body` replaces the usual one. */
export const HttpFailure = Schema.Struct({
  status: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })),
  type: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.String),
  /** The `retry-after` header: seconds, or the text to send. */
  retryAfter: Schema.optionalKey(Schema.Union([Schema.Finite, Schema.String])),
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** A string is sent as it is, with content type `text/html`; anything else as JSON. */
  body: Schema.optionalKey(Schema.Unknown)
})
export type HttpFailure = typeof HttpFailure.Type

/** What a preset stands for: the one step it is replaced by. */
export type Failure =
  | { readonly http: HttpFailure }
  | { readonly masked: { readonly type: string; readonly message: string } }
  | { readonly cut: true }
  | { readonly stall: true }

const http = (status: number, type: string, message: string, reason?: string): Failure => ({
  http: { status, type, message, ...(reason === undefined ? {} : { reason }) }
})

const invalid = (message: string, reason?: string) => http(400, "ValidationException", message, reason)
const denied = (message: string, reason?: string) => http(403, "AccessDeniedException", message, reason)
const quota = (message: string, reason?: string) => http(402, "ServiceQuotaExceededException", message, reason)
const throttled = (message: string, reason?: string) => http(429, "ThrottlingException", message, reason)
const internal = (message: string, reason?: string) => http(500, "InternalServerException", message, reason)
const oauth = (status: number, error: string, description: string): Failure => ({
  http: { status, body: { error, error_description: description } }
})

const presets = {
  /** The socket closes before any header. */
  network: { cut: true },
  /** No header ever. */
  header_timeout: { stall: true },
  /** HTTP 200 with a JSON error that a second try mends. */
  masked_throttling: { masked: { type: "com.amazon.aws.codewhisperer#ThrottlingException", message: "Rate exceeded" } },
  /** HTTP 200 with a JSON error that no second try mends. */
  masked_validation: {
    masked: { type: "com.amazon.aws.codewhisperer#ValidationException", message: "Improperly formed request." }
  },

  monthly_quota: quota("You have reached the limit.", "MONTHLY_REQUEST_COUNT"),
  overage: quota("You have reached the limit for overages.", "OVERAGE_REQUEST_LIMIT_EXCEEDED"),
  conversation_limit: quota("The conversation has too many messages.", "CONVERSATION_LIMIT_EXCEEDED"),
  payment_required: quota("Payment is required."),

  improperly_formed: invalid("Improperly formed request."),
  input_too_long: invalid("Input is too long."),
  content_length: invalid("Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"),
  prompt_too_long: invalid("The prompt is too long.", "PROMPT_TOO_LONG"),
  invalid_model: invalid("Invalid model. Please select a different model to continue.", "INVALID_MODEL_ID"),
  invalid_conversation: invalid("Invalid conversation ID.", "INVALID_CONVERSATION_ID"),
  invalid_signature: invalid("Invalid signature in thinking block.", "THINKING_SIGNATURE_INVALID"),
  document_refused: invalid("Documents are not supported by this model.", "DOCUMENT_MODEL_NOT_SUPPORTED"),
  kms_grant: invalid("The KMS grant is invalid.", "INVALID_KMS_GRANT"),

  bearer_invalid: denied("The bearer token included in the request is invalid."),
  access_denied: denied("User is not authorized to make this call."),
  suspended: denied("Your account is temporarily suspended.", "TEMPORARILY_SUSPENDED"),
  feature_not_supported: denied("This feature is not supported for your account.", "FEATURE_NOT_SUPPORTED"),
  unauthorized: http(401, "UnrecognizedClientException", "The security token included in the request is invalid."),

  rate_limit: throttled("Too many requests, please wait before trying again."),
  suspicious_activity: throttled(
    "Due to suspicious activity, we are imposing temporary limits on account (d-9067c98495.b428a438-20f1-70e3)."
  ),
  daily_quota: throttled("You have reached the daily limit.", "DAILY_REQUEST_COUNT"),
  monthly_throttle: throttled("You have reached the monthly limit.", "MONTHLY_REQUEST_COUNT"),
  model_capacity: throttled("I am experiencing high traffic, please try again shortly.", "INSUFFICIENT_MODEL_CAPACITY"),

  model_unavailable: internal("The model is temporarily unavailable.", "MODEL_TEMPORARILY_UNAVAILABLE"),
  high_load: internal("Encountered unexpectedly high load when processing the request, please try again."),
  internal: internal("Internal server error."),
  timeout: http(408, "RequestTimeoutException", "The request timed out."),
  bad_gateway: { http: { status: 502, body: "<html><body><h1>502 Bad Gateway</h1></body></html>" } },
  unavailable: http(503, "ServiceUnavailableException", "Service is unavailable."),
  gateway_timeout: { http: { status: 504, body: "<html><body><h1>504 Gateway Time-out</h1></body></html>" } },
  conflict: http(409, "ConflictException", "The customer's key is disabled.", "CUSTOMER_KMS_KEY_DISABLED"),
  not_found: http(404, "ResourceNotFoundException", "The resource was not found."),
  redirect: { http: { status: 302, headers: { location: "https://example.com/" }, body: "" } },

  /** Refresh only: the token is used up or unknown, for good. */
  invalid_grant: oauth(400, "invalid_grant", "Invalid refresh token provided"),
  /** Refresh only: the client registration has expired, for good. */
  invalid_client: oauth(401, "invalid_client", "Client registration has expired"),
  /** Refresh only: passes by itself. */
  slow_down: oauth(429, "slow_down", "Too many requests")
} as const satisfies Record<string, Failure>

/** Name of a preset. */
export const FailureName = Schema.Literals(namesOf(presets))
export type FailureName = typeof FailureName.Type

/** The step a preset stands for. */
export const failureOf = (name: FailureName): Failure => presets[name]

/** The names in a table. */
export function namesOf<Name extends string>(table: Record<Name, unknown>): ReadonlyArray<Name> {
  const names: Array<Name> = []
  for (const name in table) names.push(name)
  return names
}
