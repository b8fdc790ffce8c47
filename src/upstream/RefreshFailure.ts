/**
 * A token refresh failed. Whether it counts against the credential depends on who is to blame.
 */
import { Schema } from "effect"

export class RefreshFailure extends Schema.TaggedError<RefreshFailure>()("RefreshFailure", {
  /**
   * - `rejected`: the identity provider says the grant or the client is no longer valid; only a new sign-in helps.
   * - `incomplete`: the stored refresh token is not whole; nothing was sent.
   * - `refused`: any other answer that blames the request.
   * - `unavailable`: network, time-out, 429 or 5xx; says nothing about the credential.
   */
  kind: Schema.Literals(["rejected", "incomplete", "refused", "unavailable"]),
  status: Schema.NullOr(Schema.Int),
  /** Redacted; at most 1,024 characters. */
  detail: Schema.String
}) {
  override get message(): string {
    return `Token refresh failed (${this.kind}): ${this.detail}`
  }
}
