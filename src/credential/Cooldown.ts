/**
 * Cooldown: what an outcome does to a credential's health. Pure; times are given, never read.
 */
import { DateTime, Duration, Option } from "effect"
import type { FailureKind, FailureReason } from "../message/FailureReason.ts"
import type { CooldownReason, DisabledReason } from "../message/CredentialState.ts"
import type { Balance } from "../upstream/UpstreamProvider.ts"
import { type Cooldown, type Health, isCooling } from "./CredentialStore.ts"
import { isDisabled } from "./PoolEntry.ts"

/** The cooldown section of the settings, as this decision reads it. */
export interface CooldownSettings {
  readonly enabled: boolean
  readonly rateLimit: Duration.Duration
  readonly upstreamError: Duration.Duration
  readonly timeout: Duration.Duration
  readonly overage: Duration.Duration
  readonly suspiciousActivity: Duration.Duration
  readonly maxRetryAfter: Duration.Duration
}

type Consequence =
  /** Rests: `header` says whether the upstream's `retry-after` counts for more than the table. */
  | {
      readonly rests: CooldownReason
      readonly duration: keyof CooldownSettings & CooldownDuration
      readonly header: boolean
    }
  | { readonly disables: DisabledReason }
  /** Counts towards disabling. */
  | "counts"
  | "nothing"

type CooldownDuration = "rateLimit" | "upstreamError" | "timeout" | "overage" | "suspiciousActivity"

/** What each kind of failure does to the credential that met it. */
export const effects: Readonly<Record<FailureKind, Consequence>> = {
  network: { rests: "upstream_error", duration: "upstreamError", header: true },
  upstream_error: { rests: "upstream_error", duration: "upstreamError", header: true },
  timeout: { rests: "timeout", duration: "timeout", header: true },
  rate_limit: { rests: "rate_limit", duration: "rateLimit", header: true },
  overage_request_limit: { rests: "overage_request_limit", duration: "overage", header: false },
  suspicious_activity: { rests: "suspicious_activity", duration: "suspiciousActivity", header: false },
  quota_exceeded: { disables: "quota_exceeded" },
  account_suspended: { disables: "account_suspended" },
  key_rejected: { disables: "invalid_config" },
  token_rejected: "counts",
  auth: "counts",
  forbidden: "nothing",
  stream_broken: "nothing",
  model_capacity: "nothing",
  invalid_model: "nothing",
  invalid_conversation: "nothing",
  prompt_too_long: "nothing",
  invalid_signature: "nothing",
  document_refused: "nothing",
  invalid_request: "nothing",
  client_error: "nothing"
}

/**
 * The health after a success: counts of failures in a row and any cooldown end, and a switch off that was over.
 *
 * @param endsRest false: its answer began before the upstream told that a limit is used up
 */
export const afterSuccess = (health: Health, now: DateTime.Utc, endsRest: boolean): Health => ({
  ...health,
  disabled: isDisabled(health, now) ? health.disabled : null,
  cooldown: endsRest ? null : health.cooldown,
  failureCount: 0,
  refreshFailureCount: 0,
  successCount: health.successCount + 1,
  lastUsedAt: now
})

/** The health after an answer that began before the last failure: it counts, and nothing ends. */
export const counted = (health: Health, now: DateTime.Utc): Health => ({
  ...health,
  successCount: health.successCount + 1,
  lastUsedAt: now
})

/** A header that asks for less would have the credential asked again at once. */
const leastHeader = 1_000

/** What the decision reads beside the failure. */
export interface FailureContext {
  readonly now: DateTime.Utc
  readonly settings: CooldownSettings
  /** Failures in a row before the credential is disabled. */
  readonly disableAfterFailures: number
  /** Its answer, or a later one, told that a limit is used up: the rest until then began before this failure. */
  readonly wasTold: boolean
  /** 0 to 1, drawn once per failure; spreads table times by a fifth either way. */
  readonly jitter: number
}

/**
 * The health after a failure. A cooldown is never shortened by a later failure, nor lengthened by more of the same: what
 * was under way when it began fails for the same cause. A person's decision is never replaced.
 */
export const afterFailure = (health: Health, reason: FailureReason, context: FailureContext): Health => {
  const effect = effects[reason.kind]
  const seen = { ...health, lastUsedAt: context.now, directoryKey: reason.directoryKey ?? health.directoryKey }
  if (effect === "nothing") return seen
  if (effect === "counts") {
    const failureCount = health.failureCount + 1
    const refused = { ...seen, failureCount }
    return failureCount >= context.disableAfterFailures ? disabledFor(refused, "too_many_failures") : refused
  }
  if ("disables" in effect) {
    const until = effect.disables === "quota_exceeded" ? nextMonth(context.now) : null
    return disabledFor(seen, effect.disables, until)
  }
  const transient = { ...seen, transientFailureCount: health.transientFailureCount + 1 }
  if (!context.settings.enabled) return transient
  const header =
    effect.header && reason.retryAfterMs !== null
      ? Math.max(leastHeader, Math.min(reason.retryAfterMs, Duration.toMillis(context.settings.maxRetryAfter)))
      : null
  const table = Duration.toMillis(context.settings[effect.duration]) * (0.8 + 0.4 * context.jitter)
  return resting(
    transient,
    {
      reason: effect.rests,
      until: DateTime.addDuration(context.now, Duration.millis(Math.round(header ?? table))),
      scope: reason.scope === "directory" ? "directory" : "credential",
      source: header === null ? "table" : "header",
      directoryKey: reason.directoryKey
    },
    context.now,
    context.wasTold && header !== null
  )
}

/**
 * The health of a credential whose upstream told that one of its limits is used up; the very same where that changes
 * nothing.
 *
 * @param until milliseconds since the epoch
 */
export const afterUsedUp = (
  health: Health,
  until: number,
  { now, settings }: Pick<FailureContext, "now" | "settings">
): Health => {
  const end = DateTime.min(DateTime.makeUnsafe(until), DateTime.addDuration(now, settings.maxRetryAfter))
  if (!settings.enabled || !DateTime.isGreaterThan(end, now)) return health
  return resting(
    health,
    { reason: "rate_limit", until: end, scope: "credential", source: "header", directoryKey: null },
    now
  )
}

/** The health after a fault that is borne: it counts, and nothing follows. */
export const afterBorne = (health: Health, now: DateTime.Utc): Health => ({
  ...health,
  transientFailureCount: health.transientFailureCount + 1,
  lastUsedAt: now
})

/** The health of a credential whose directory rests because of another one's failure. */
export const afterDirectory = (health: Health, cooldown: Cooldown, now: DateTime.Utc): Health =>
  resting(health, { ...cooldown, source: "directory" }, now)

/**
 * The health after fresh figures of the account's plan, the very same where they change nothing. Room ends what the want
 * of it has done; no room tells until when.
 */
export const afterBalance = (health: Health, balance: Balance, now: DateTime.Utc): Health => {
  const { cooldown, disabled } = health
  const outOfQuota = disabled?.reason === "quota_exceeded"
  const overLimit = cooldown?.reason === "overage_request_limit"
  if (balance.remaining > 0) {
    if (!outOfQuota && !overLimit) return health
    return { ...health, disabled: outOfQuota ? null : disabled, cooldown: overLimit ? null : cooldown }
  }
  const until = balance.resetsAt === null ? undefined : DateTime.make(balance.resetsAt)
  if (!outOfQuota || until === undefined || Option.isNone(until)) return health
  return DateTime.isGreaterThan(until.value, now)
    ? { ...health, disabled: { reason: "quota_exceeded", until: until.value } }
    : health
}

/** Disabled until then, or until a person acts; who was disabled by a person stays so for that reason. */
export const disabledFor = (health: Health, reason: DisabledReason, until: DateTime.Utc | null = null): Health =>
  health.disabled?.reason === "manual" ? health : { ...health, disabled: { reason, until } }

/** Longest time from one renewal of a monthly quota to the next. */
const longestMonth = Duration.days(32)

/**
 * The health as it was stored, without a rest that is longer than its kind can be: a clock that was wrong once must not
 * park a credential for days.
 */
export const afterRestart = (health: Health, now: DateTime.Utc, settings: CooldownSettings): Health => {
  const { cooldown, disabled } = health
  const latest = (longest: Duration.Duration) => DateTime.addDuration(now, longest)
  const cut = (until: DateTime.Utc, longest: Duration.Duration) => DateTime.min(until, latest(longest))
  return {
    ...health,
    cooldown: cooldown === null ? null : { ...cooldown, until: cut(cooldown.until, longestRest(cooldown, settings)) },
    disabled:
      disabled === null || disabled.until === null
        ? disabled
        : { ...disabled, until: cut(disabled.until, longestMonth) }
  }
}

const longestRest = ({ reason }: Cooldown, settings: CooldownSettings): Duration.Duration => {
  const table = Duration.times(settings[durations[reason]], 1.2)
  return reason === "overage_request_limit" || reason === "suspicious_activity"
    ? table
    : Duration.max(table, settings.maxRetryAfter)
}

const durations: Readonly<Record<CooldownReason, CooldownDuration>> = {
  rate_limit: "rateLimit",
  upstream_error: "upstreamError",
  timeout: "timeout",
  overage_request_limit: "overage",
  suspicious_activity: "suspiciousActivity"
}

/** Monthly quotas are renewed on the first, until the account says otherwise. */
const nextMonth = (now: DateTime.Utc): DateTime.Utc => DateTime.add(DateTime.startOf(now, "month"), { months: 1 })

/** @param lengthens what the upstream asks for itself counts for more than what it told of its limits */
const resting = (health: Health, cooldown: Cooldown, now: DateTime.Utc, lengthens = false): Health => {
  const before = health.cooldown
  const same = !lengthens && isCooling(before, now) && before.reason === cooldown.reason
  return same || (before !== null && DateTime.isGreaterThan(before.until, cooldown.until))
    ? health
    : { ...health, cooldown }
}
