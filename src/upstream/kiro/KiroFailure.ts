/**
 * KiroFailure: what an HTTP answer of Kiro that is no answer means. Pure.
 *
 * **Source:** AWS restJson1 protocol: the error's name in `x-amzn-errortype` or in the body's `__type`.
 */
import { isRecord } from "../../message/JsonRecord.ts"
import { Schema } from "effect"
import type { FailureReason } from "../../message/FailureReason.ts"
import { retryAfter } from "../RetryAfter.ts"
import { bareName, byHttp, reasonOf } from "./KiroException.ts"

const Body = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeBody = Schema.decodeUnknownOption(Body)

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
  const exception = {
    name: bareName(headers["x-amzn-errortype"] ?? text("__type") ?? text("type") ?? text("code") ?? ""),
    reason: (status === 402 || status === 429 ? markerIn(body, status) : null) ?? text("reason"),
    message: text("message") ?? text("Message") ?? (parsed._tag === "Some" ? "" : body)
  }
  const reason = reasonOf(exception, byHttp(status, exception))
  const requestId = headers["x-amzn-requestid"]
  return {
    ...reason,
    status,
    message: reason.message === "" ? `HTTP ${status}` : reason.message,
    ...(requestId === undefined ? {} : { requestId }),
    retryAfterMs: listenedTo(retryAfter(headers["retry-after"], now))
  }
}

/** Kiro's shortest times mean nothing: it would refuse again. Milliseconds. */
const listenedTo = (ms: number | null): number | null => (ms !== null && ms >= 5_000 ? ms : null)

/**
 * What a quota error carries somewhere in its body, whatever the body's shape; the month's is the graver one. A 429 may
 * repeat what somebody wrote, so there the marker must be a JSON string of its own.
 */
const markerIn = (body: string, status: number): string | null =>
  ["MONTHLY_REQUEST_COUNT", "OVERAGE_REQUEST_LIMIT_EXCEEDED"].find((marker) =>
    body.includes(status === 402 ? marker : `"${marker}"`)
  ) ?? null
