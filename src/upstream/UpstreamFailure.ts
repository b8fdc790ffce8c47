/**
 * The one error of every upstream call. Its `reason` carries all that is needed to act; nobody reads its text again.
 */
import { Schema } from "effect"
import { FailureReason } from "../message/FailureReason.ts"

export class UpstreamFailure extends Schema.TaggedError<UpstreamFailure>()("UpstreamFailure", {
  reason: FailureReason
}) {
  override get message(): string {
    return `${this.reason.kind}: ${this.reason.message}`
  }
}
