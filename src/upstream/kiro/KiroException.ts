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

export type Verdict = readonly [kind: FailureKind, scope: FailureScope]

/** An exception as the upstream worded it. */
export interface Exception {
  /** A shape name, bare or not; empty where none was given. */
  readonly name: string
  readonly reason: string | null
  readonly message: string
}

/** An exception inside an event stream. */
export const classifyException = (name: string, reason: string | null, message: string): FailureReason => {
  const exception = { name: bareName(name), reason, message }
  return reasonOf(exception, byException(exception))
}

/** What a failure with this verdict is known by; `status` and `retryAfterMs` are null. */
export const reasonOf = ({ message, name, reason }: Exception, [kind, scope]: Verdict): FailureReason => {
  const directoryKey = kind === "suspicious_activity" ? findDirectoryKey(message) : null
  return {
    kind,
    scope: kind === "suspicious_activity" && directoryKey === null ? "credential" : scope,
    status: null,
    message: redact(message === "" ? (reason ?? name) : message),
    ...(reason !== null && byReason.has(reason) ? { code: reason } : {}),
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

const byException = ({ message, name, reason }: Exception): Verdict =>
  reasonVerdict(reason) ??
  tooLong(message) ??
  (byName.get(name) === INVALID_REQUEST ? undefined : phraseVerdict(message)) ??
  byName.get(name) ??
  UPSTREAM_ERROR

/**
 * An exception that came as an HTTP answer. The reason is the most exact and stands whatever the status; of the rest
 * the status says which wordings count. A refusal of the request (400, 413, 422) may repeat what the client wrote, so of
 * its words only one counts, and no client can talk a credential into a cooldown.
 */
export const byHttp = (status: number, { message, name, reason }: Exception): Verdict => {
  const exact = reasonVerdict(reason) ?? tooLong(message)
  if (exact !== undefined) return exact
  const named = byName.get(name)
  if (status >= 200 && status < 300) return masked(name, message)
  if (status === 400 || status === 413 || status === 422) return named === PROMPT_TOO_LONG ? named : INVALID_REQUEST
  const phrase = phraseVerdict(message)
  if (status === 401 || status === 403) {
    return phrase === TOKEN_REJECTED || named === TOKEN_REJECTED ? TOKEN_REJECTED : ACCOUNT_UNFIT
  }
  if (status === 429) return phrase === undefined || phrase === TOKEN_REJECTED ? RATE_LIMIT : phrase
  if (status === 408) return ["timeout", "upstream"]
  if (status >= 400 && status < 500) return phrase === OVERAGE ? OVERAGE : CLIENT_ERROR
  return phrase === MODEL_CAPACITY ? MODEL_CAPACITY : UPSTREAM_ERROR
}

/** A success that is an error in disguise: some of them a second try mends, all others end the call. */
const masked = (name: string, message: string): Verdict => {
  const named = byName.get(name)
  if (named === INVALID_REQUEST) return INVALID_REQUEST
  if (named === RATE_LIMIT || named === UPSTREAM_ERROR) return phraseVerdict(message) ?? UPSTREAM_ERROR
  return named ?? (name === "" ? UPSTREAM_ERROR : CLIENT_ERROR)
}

const reasonVerdict = (reason: string | null): Verdict | undefined =>
  reason === null ? undefined : byReason.get(reason)
const tooLong = (message: string): Verdict | undefined => (message.includes(TOO_LONG) ? PROMPT_TOO_LONG : undefined)
const phraseVerdict = (message: string): Verdict | undefined =>
  phrases.find(([phrase]) => message.includes(phrase))?.[1]

const QUOTA: Verdict = ["quota_exceeded", "credential"]
const MODEL_CAPACITY: Verdict = ["model_capacity", "model"]
const PROMPT_TOO_LONG: Verdict = ["prompt_too_long", "none"]
const INVALID_REQUEST: Verdict = ["invalid_request", "none"]
/** The account may not do this, or its own encryption key is unusable: another credential may serve. */
const ACCOUNT_UNFIT: Verdict = ["auth", "credential"]
const UPSTREAM_ERROR: Verdict = ["upstream_error", "upstream"]
const RATE_LIMIT: Verdict = ["rate_limit", "credential"]
const OVERAGE: Verdict = ["overage_request_limit", "credential"]
const TOKEN_REJECTED: Verdict = ["token_rejected", "credential"]
const CLIENT_ERROR: Verdict = ["client_error", "none"]

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
  ["OVERAGE_REQUEST_LIMIT_EXCEEDED", OVERAGE],
  ["DAILY_REQUEST_COUNT", RATE_LIMIT],
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

/** Wordings that say more than the exception's name does. */
const phrases: ReadonlyArray<readonly [phrase: string, verdict: Verdict]> = [
  ["suspicious activity", ["suspicious_activity", "directory"]],
  ["imposing temporary limits", ["suspicious_activity", "directory"]],
  ["bearer token included in the request is invalid", TOKEN_REJECTED],
  ["unexpectedly high load", MODEL_CAPACITY],
  ["limit for overages", OVERAGE]
]

const byName: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["AccessDeniedException", ACCOUNT_UNFIT],
  ["ExpiredTokenException", TOKEN_REJECTED],
  ["UnrecognizedClientException", TOKEN_REJECTED],
  ["ThrottlingException", RATE_LIMIT],
  ["TooManyRequestsException", RATE_LIMIT],
  ["ContentLengthExceededException", PROMPT_TOO_LONG],
  ["ValidationException", INVALID_REQUEST],
  ["SerializationException", INVALID_REQUEST],
  ["ConflictException", CLIENT_ERROR],
  ["ResourceNotFoundException", CLIENT_ERROR],
  ["ServiceQuotaExceededException", CLIENT_ERROR],
  ["DryRunOperationException", CLIENT_ERROR],
  ["InternalServerException", UPSTREAM_ERROR],
  ["InternalServerError", UPSTREAM_ERROR],
  ["InternalFailureException", UPSTREAM_ERROR],
  ["ServiceUnavailableException", UPSTREAM_ERROR]
])
