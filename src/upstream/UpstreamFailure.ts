/**
 * The one error of every upstream call. Its `reason` carries all that is needed to act; nobody reads the upstream's text
 * a second time.
 */
import { Schema } from "effect"
import type { DispatchError } from "./Dispatch.ts"
import { type FailureKind, FailureReason, type FailureScope } from "../message/FailureReason.ts"

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

/** An exchange that broke. Addresses stay in the log. */
export const broken = (error: DispatchError): UpstreamFailure =>
  error.timedOut
    ? failure(
        "timeout",
        "upstream",
        error.phase === "header" ? "the upstream did not answer in time" : "the upstream fell silent"
      )
    : error.phase === "header"
      ? failure("network", "upstream", "the upstream could not be reached")
      : failure("stream_broken", "upstream", "the upstream's answer broke off")
