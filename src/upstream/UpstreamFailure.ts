/**
 * The one error of every upstream call, and how an HTTP answer becomes one. Its `reason` carries all that is needed to
 * act; nobody reads the upstream's text a second time.
 */
import { Schema } from "effect"
import { type FailureKind, FailureReason, type FailureScope } from "../message/FailureReason.ts"
import { redact } from "../telemetry/Redaction.ts"
import { classifyException } from "./kiro/KiroException.ts"

export class UpstreamFailure extends Schema.TaggedError<UpstreamFailure>()("UpstreamFailure", {
  reason: FailureReason
}) {
  override get message(): string {
    return `${this.reason.kind}: ${this.reason.message}`
  }
}

/** A failure that no upstream answer describes. */
export const failure = (kind: FailureKind, scope: FailureScope, message: string): UpstreamFailure =>
  new UpstreamFailure({ reason: { kind, scope, status: null, message, retryAfterMs: null, directoryKey: null } })

const Body = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeBody = Schema.decodeUnknownOption(Body)

/** Kinds that stand whatever the status says: the exception's reason or wording is more exact. */
const exact: ReadonlySet<FailureKind> = new Set<FailureKind>([
  "quota_exceeded",
  "overage_request_limit",
  "account_suspended",
  "model_capacity",
  "invalid_model",
  "invalid_conversation",
  "invalid_signature",
  "document_refused",
  "prompt_too_long"
])

/**
 * What an HTTP error of Kiro means. Also for a 200 whose body is a JSON error instead of an event stream.
 *
 * @param headers names in lower case
 * @param now milliseconds since the epoch, for a `retry-after` that is a date
 */
export const classify = (
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  now: number
): FailureReason => {
  const parsed = decodeBody(body)
  const members = parsed._tag === "Some" ? parsed.value : {}
  const inner = isRecord(members["error"]) ? members["error"] : {}
  const text = (key: string): string | null => {
    const value = members[key] ?? inner[key]
    return typeof value === "string" ? value : null
  }
  const name = headers["x-amzn-errortype"] ?? text("__type") ?? text("type") ?? text("code") ?? ""
  const message = text("message") ?? text("Message") ?? (parsed._tag === "Some" ? "" : body)
  const reason = text("reason") ?? reasonIn(body)
  const exception = classifyException(name, reason, message)
  const [kind, scope] = byStatus(status, exception)
  return {
    kind,
    scope,
    status,
    message: exception.message === "" ? `HTTP ${status}` : redact(exception.message),
    retryAfterMs: retryAfter(headers["retry-after"], now),
    directoryKey: kind === "suspicious_activity" ? exception.directoryKey : null
  }
}

const byStatus = (status: number, exception: FailureReason): readonly [FailureKind, FailureScope] => {
  const own = [exception.kind, exception.scope] as const
  if (exact.has(exception.kind)) return own
  if (status >= 200 && status < 300) return own
  if (status === 401 || status === 403) {
    return exception.kind === "token_rejected" ? own : ["auth", "credential"]
  }
  if (status === 429) return exception.kind === "suspicious_activity" ? own : ["rate_limit", "credential"]
  if (status === 408) return ["timeout", "upstream"]
  if (status === 400 || status === 413 || status === 422) return ["invalid_request", "none"]
  if (status >= 400 && status < 500) return ["client_error", "none"]
  return ["upstream_error", "upstream"]
}

/** Markers that AWS's quota errors carry, wherever in a body they stand. */
const reasonIn = (body: string): string | null =>
  ["MONTHLY_REQUEST_COUNT", "OVERAGE_REQUEST_LIMIT_EXCEEDED"].find((marker) => body.includes(`"${marker}"`)) ?? null

/** Seconds or an HTTP date; null where it is neither, or in the past. Milliseconds. */
const retryAfter = (header: string | undefined, now: number): number | null => {
  if (header === undefined) return null
  const value = header.trim()
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(ms) && ms >= 0 ? ms : null
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
