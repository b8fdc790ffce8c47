/**
 * KiroException: what an exception of the upstream means, by its name, its reason and, where neither tells, its words.
 *
 * The same exceptions come as HTTP errors and inside an answer's event stream; both are read here.
 *
 * **Source:** the exceptions and their `reason` enums of AWS's `@aws/codewhisperer-streaming-client`; messages as
 * observed.
 */
import type { FailureKind, FailureReason, FailureScope } from "../../message/FailureReason.ts"
import { redact } from "../../telemetry/Redaction.ts"

type Verdict = readonly [kind: FailureKind, scope: FailureScope]

/** An exception that no status accompanied: `status` and `retryAfterMs` are null. */
export const classifyException = (name: string, reason: string | null, message: string): FailureReason => {
  const [kind, scope] = verdict(bareName(name), reason, message)
  const directoryKey = kind === "suspicious_activity" ? findDirectoryKey(message) : null
  return {
    kind,
    scope: kind === "suspicious_activity" && directoryKey === null ? "credential" : scope,
    status: null,
    message: redact(message === "" ? (reason ?? name) : message),
    retryAfterMs: null,
    directoryKey
  }
}

/** The directory in `account (d-….…)`, by which accounts that rest together are known. */
export const findDirectoryKey = (message: string): string | null =>
  /\baccount \((d-[A-Za-z0-9-]+)/.exec(message)?.[1] ?? null

/** A shape name without namespace and without address: `com.amazon#Name:http://…` is `Name`. */
export const bareName = (name: string): string => {
  const afterNamespace = name.slice(name.lastIndexOf("#") + 1)
  const colon = afterNamespace.indexOf(":")
  return colon === -1 ? afterNamespace : afterNamespace.slice(0, colon)
}

const verdict = (name: string, reason: string | null, message: string): Verdict =>
  (reason === null ? undefined : byReason.get(reason)) ?? byMessage(name, message) ?? byName.get(name) ?? UPSTREAM_ERROR

const QUOTA: Verdict = ["quota_exceeded", "credential"]
const MODEL_CAPACITY: Verdict = ["model_capacity", "model"]
const PROMPT_TOO_LONG: Verdict = ["prompt_too_long", "none"]
const INVALID_REQUEST: Verdict = ["invalid_request", "none"]
/** The account may not do this, or its own encryption key is unusable: another credential may serve. */
const ACCOUNT_UNFIT: Verdict = ["auth", "credential"]
const UPSTREAM_ERROR: Verdict = ["upstream_error", "upstream"]

const byReason: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  // AccessDeniedException
  ["TEMPORARILY_SUSPENDED", ["account_suspended", "credential"]],
  ["FEATURE_NOT_SUPPORTED", ACCOUNT_UNFIT],
  ["UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS", ACCOUNT_UNFIT],
  ["UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS", ACCOUNT_UNFIT],
  // ConflictException
  ["CUSTOMER_KMS_KEY_DISABLED", ACCOUNT_UNFIT],
  ["CUSTOMER_KMS_KEY_INVALID_KEY_POLICY", ACCOUNT_UNFIT],
  ["MISMATCHED_KMS_KEY", ACCOUNT_UNFIT],
  // InternalServerException
  ["MODEL_TEMPORARILY_UNAVAILABLE", MODEL_CAPACITY],
  // InvalidStateEvent
  ["INVALID_TASK_ASSIST_PLAN", UPSTREAM_ERROR],
  // ServiceQuotaExceededException, ThrottlingException
  ["MONTHLY_REQUEST_COUNT", QUOTA],
  ["OVERAGE_REQUEST_LIMIT_EXCEEDED", ["overage_request_limit", "credential"]],
  ["DAILY_REQUEST_COUNT", ["rate_limit", "credential"]],
  ["INSUFFICIENT_MODEL_CAPACITY", MODEL_CAPACITY],
  // The limit is the conversation's, so a fresh one may pass.
  ["CONVERSATION_LIMIT_EXCEEDED", ["invalid_conversation", "none"]],
  // ValidationException
  ["CONTENT_LENGTH_EXCEEDS_THRESHOLD", PROMPT_TOO_LONG],
  ["PROMPT_TOO_LONG", PROMPT_TOO_LONG],
  ["INVALID_CONVERSATION_ID", ["invalid_conversation", "none"]],
  ["INVALID_MODEL_ID", ["invalid_model", "model"]],
  ["INVALID_KMS_GRANT", ACCOUNT_UNFIT],
  ["THINKING_SIGNATURE_INVALID", ["invalid_signature", "none"]],
  ["DOCUMENT_MODEL_NOT_SUPPORTED", ["document_refused", "none"]],
  ["DOCUMENT_COUNT_EXCEEDED", INVALID_REQUEST],
  ["DOCUMENT_DUPLICATE_NAME", INVALID_REQUEST],
  ["DOCUMENT_MAXIMUM_PAGES_EXCEEDED", INVALID_REQUEST],
  ["DOCUMENT_PASSWORD_PROTECTED", INVALID_REQUEST],
  ["DOCUMENT_SIZE_EXCEEDED", INVALID_REQUEST],
  ["IMAGE_COUNT_EXCEEDED", INVALID_REQUEST],
  ["IMAGE_DIMENSION_EXCEEDED", INVALID_REQUEST],
  ["IMAGE_FORMAT_UNSUPPORTED", INVALID_REQUEST],
  ["IMAGE_MIME_MISMATCH", INVALID_REQUEST],
  ["IMAGE_SIZE_EXCEEDED", INVALID_REQUEST],
  ["REQUEST_BODY_INVALID", INVALID_REQUEST],
  ["REQUEST_BODY_INVALID_JSON", INVALID_REQUEST],
  ["TOOL_CONFIG_MISSING", INVALID_REQUEST],
  ["TOOL_DUPLICATE", INVALID_REQUEST],
  ["TOOL_SCHEMA_INVALID", INVALID_REQUEST],
  ["TOOL_USE_RESULT_MISMATCH", INVALID_REQUEST]
])

const TOO_LONG = "Input is too long"

/**
 * Wordings that say more than the exception's name does. A refusal of the request may repeat what the client wrote,
 * so of those only one wording counts, and no client can talk a credential into a cooldown.
 */
const byMessage = (name: string, message: string): Verdict | undefined =>
  message.includes(TOO_LONG)
    ? PROMPT_TOO_LONG
    : byName.get(name) === INVALID_REQUEST
      ? undefined
      : phrases.find(([phrase]) => message.includes(phrase))?.[1]

const phrases: ReadonlyArray<readonly [phrase: string, verdict: Verdict]> = [
  ["suspicious activity", ["suspicious_activity", "directory"]],
  ["imposing temporary limits", ["suspicious_activity", "directory"]],
  ["bearer token included in the request is invalid", ["token_rejected", "credential"]],
  ["unexpectedly high load", MODEL_CAPACITY],
  ["reached the limit for overages", ["overage_request_limit", "credential"]]
]

const byName: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["AccessDeniedException", ACCOUNT_UNFIT],
  ["ExpiredTokenException", ["token_rejected", "credential"]],
  ["UnrecognizedClientException", ["token_rejected", "credential"]],
  ["ThrottlingException", ["rate_limit", "credential"]],
  ["TooManyRequestsException", ["rate_limit", "credential"]],
  ["ContentLengthExceededException", PROMPT_TOO_LONG],
  ["ValidationException", INVALID_REQUEST],
  ["SerializationException", INVALID_REQUEST],
  ["ConflictException", ["client_error", "none"]],
  ["ResourceNotFoundException", ["client_error", "none"]],
  ["ServiceQuotaExceededException", ["client_error", "none"]],
  ["DryRunOperationException", ["client_error", "none"]],
  ["InternalServerException", UPSTREAM_ERROR],
  ["InternalServerError", UPSTREAM_ERROR],
  ["InternalFailureException", UPSTREAM_ERROR],
  ["ServiceUnavailableException", UPSTREAM_ERROR]
])
