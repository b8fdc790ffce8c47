/**
 * CredentialState: the words for why a credential does not serve, the same in code, storage, API and metrics.
 */
import { Schema } from "effect"

/** Why a credential is not used until something changes. */
export const DisabledReason = Schema.Literals([
  "manual",
  "too_many_failures",
  "too_many_refresh_failures",
  "invalid_refresh_token",
  "quota_exceeded",
  "account_suspended",
  "invalid_config"
])
export type DisabledReason = typeof DisabledReason.Type

/** Why a credential rests for a while. */
export const CooldownReason = Schema.Literals([
  "rate_limit",
  "upstream_error",
  "timeout",
  "overage_request_limit",
  "suspicious_activity"
])
export type CooldownReason = typeof CooldownReason.Type
