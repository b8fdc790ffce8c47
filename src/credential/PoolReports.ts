/**
 * PoolReports: what the end of an attempt teaches the pool about a credential.
 */
import { DateTime, Duration, Effect, Random } from "effect"
import type { FailureKind, FailureReason } from "../message/FailureReason.ts"
import { forLog } from "../telemetry/Redaction.ts"
import type { RefreshFailure } from "../upstream/RefreshFailure.ts"
import * as Cooldown from "./Cooldown.ts"
import type { DisabledReason } from "../message/CredentialState.ts"
import { type Health, untouched } from "./CredentialStore.ts"
import { markedFor } from "./ModelCapacity.ts"
import type { PoolCore } from "./PoolCore.ts"
import { isDisabled, type PoolEntry } from "./PoolEntry.ts"
import type { Held } from "./PoolState.ts"
import { canServe } from "./PoolLeases.ts"
import type { Need } from "./Eligibility.ts"

/** How an attempt ended. */
export type Outcome =
  /** `conversation`: what goes on with this credential from now on, or null. */
  | { readonly kind: "success"; readonly conversation: string | null }
  | {
      readonly kind: "failure"
      readonly reason: FailureReason
      readonly need: Need
      /** Whether this request may try the same credential again. */
      readonly mayRetrySame: boolean
      /** Whether the call went out through a proxy. */
      readonly proxied?: boolean
    }

/** Faults of the way rather than of the account: where nobody else could serve, they are borne before they cool. */
const borne: ReadonlySet<FailureKind> = new Set<FailureKind>(["network", "timeout", "upstream_error"])

/** Refresh failures in a row that disable a credential. */
const refreshFailureLimit = 3

/** Which lease an outcome is of, as far as the pool has to know. */
export type Reported = Pick<Held, "entry" | "model" | "turn">

export const report = Effect.fnUntraced(function* (core: PoolCore, { entry, model, turn }: Reported, outcome: Outcome) {
  const now = yield* DateTime.now
  const at = DateTime.toEpochMillis(now)
  const { id, upstream } = entry.credential
  if (outcome.kind === "success") {
    if (outcome.conversation !== null) core.bindings.bind(outcome.conversation, id, at)
    if (model !== null) core.capacity.answered(upstream, model, turn)
    // An answer that began before the last failure says nothing of what came after it.
    const isNews = turn > entry.troubledTurn
    // Nor does one that brought the news that a limit is used up, or began before it, end the rest until then.
    const endsRest = turn > entry.usedUpTurn
    const urgent = isNews && (entry.health.cooldown !== null || entry.health.failureCount > 0)
    if (isNews) entry.troubledAt = null
    return yield* core.change(
      entry,
      (health) => (isNews ? Cooldown.afterSuccess(health, now, endsRest) : Cooldown.counted(health, now)),
      urgent
    )
  }
  const { reason } = outcome
  const { cooldown, pool } = core.settings.current()
  // A proxy that cannot be reached says nothing of the upstream behind it.
  const isOfUpstream = reason.scope === "upstream" && !(outcome.proxied === true && reason.kind === "network")
  const pausedUntil = cooldown.enabled && isOfUpstream ? core.pauses.failed(upstream, id, reason.kind, at) : null
  if (pausedUntil !== null) {
    yield* Effect.logWarning(`The upstream ${upstream} fails on several credentials; it is left alone for a moment`)
    core.pause(upstream, pausedUntil)
  }
  if (reason.kind === "model_capacity" && model !== null) {
    const lasts = Math.min(reason.retryAfterMs ?? markedFor, Duration.toMillis(cooldown.maxRetryAfter))
    core.capacity.lacked(upstream, model, { until: at + lasts, turn: core.nextTurn() })
  }
  const isInnocent = Cooldown.effects[reason.kind] === "nothing"
  // Requests that were under way together fail for one cause, which counts once.
  if (Cooldown.effects[reason.kind] === "counts" && turn < entry.troubledTurn) return
  if (!isInnocent) trouble(core, entry, at)
  if (borne.has(reason.kind) && outcome.mayRetrySame && !anotherCanServe(core, entry, outcome.need, at)) {
    return yield* core.change(entry, (health) => Cooldown.afterBorne(health, now), false)
  }
  const context: Cooldown.FailureContext = {
    now,
    settings: cooldown,
    disableAfterFailures: pool.disableAfterFailures,
    wasTold: turn < entry.usedUpTurn,
    jitter: yield* Random.next
  }
  const before = entry.health
  const inDirectory =
    reason.scope === "directory" && reason.directoryKey !== null ? membersOf(core, reason.directoryKey, entry, now) : []
  const { cooldown: rest } = Cooldown.afterFailure(untouched, reason, context)
  for (const other of inDirectory) trouble(core, other, at)
  yield* core.changeAll(
    [entry, ...inDirectory],
    (health, changed) =>
      changed === entry
        ? Cooldown.afterFailure(health, reason, context)
        : rest === null
          ? health
          : Cooldown.afterDirectory(health, rest, now),
    !isInnocent
  )
  yield* tell(core, entry, before, reason, inDirectory.length)
}, Effect.uninterruptible)

const trouble = (core: PoolCore, entry: PoolEntry, at: number): void => {
  entry.troubledAt = at
  entry.troubledTurn = core.nextTurn()
}

/** Who else is known to belong to a directory, and is not switched off. */
const membersOf = (core: PoolCore, directory: string, entry: PoolEntry, now: DateTime.Utc): ReadonlyArray<PoolEntry> =>
  [...core.entries].filter(
    (other) => other !== entry && other.health.directoryKey === directory && !isDisabled(other.health, now)
  )

/** Says what a failure has done to a credential: a person must act, or it comes back by itself. */
const tell = Effect.fnUntraced(function* (
  core: PoolCore,
  entry: PoolEntry,
  before: Health,
  reason: FailureReason,
  others: number
) {
  const { cooldown, disabled } = entry.health
  const { id } = entry.credential
  const status = reason.status === null ? "" : ` (${reason.status})`
  const why = `${reason.kind}${status}: ${forLog(reason.message)}`
  if (disabled !== null && disabled !== before.disabled) {
    const until = disabled.until === null ? "until a person acts" : `until ${DateTime.formatIso(disabled.until)}`
    yield* Effect.logWarning(`Credential ${id} is switched off ${until}: ${disabled.reason}, after ${why}`)
    if (core.index.preferred === null) yield* Effect.logError("No credential is left that can serve")
    return
  }
  if (cooldown === null || cooldown === before.cooldown) return
  const rests = `Credential ${id} rests until ${DateTime.formatIso(cooldown.until)}: ${cooldown.reason}, after ${why}`
  if (reason.kind !== "suspicious_activity") return yield* Effect.logInfo(rests)
  const directory =
    reason.directoryKey === null
      ? ""
      : `; so do ${others} more that are known to belong to directory ${reason.directoryKey}`
  yield* Effect.logWarning(`${rests}${directory}`)
})

/** Whether a credential that this request has not tried could serve it. */
const anotherCanServe = (core: PoolCore, entry: PoolEntry, need: Need, now: number): boolean =>
  canServe(core, { ...need, barred: new Set([...need.barred, ...need.exclude, entry.credential.id]) }, now)

/** Why a credential is disabled that a successful refresh proves wrong. */
const byRefresh: ReadonlySet<DisabledReason> = new Set<DisabledReason>([
  "invalid_refresh_token",
  "too_many_refresh_failures"
])

/**
 * What a refresh teaches. The network's faults never count; only a refusal of the grant itself disables at once. A
 * success, which for a disabled credential only an operator brings about, ends what refresh failures have done.
 */
export const reportRefresh = Effect.fnUntraced(function* (
  core: PoolCore,
  entry: PoolEntry,
  failure: RefreshFailure | null
) {
  if (failure === null) {
    const { disabled, refreshFailureCount } = entry.health
    const mended = disabled !== null && byRefresh.has(disabled.reason)
    if (!mended && refreshFailureCount === 0) return
    return yield* core.change(
      entry,
      (health) => ({ ...health, refreshFailureCount: 0, disabled: mended ? null : health.disabled }),
      true
    )
  }
  yield* Effect.logWarning(`Credential ${entry.credential.id}: ${forLog(failure.message)}`)
  if (failure.kind === "unavailable") return
  yield* core.change(
    entry,
    (health) => {
      if (failure.kind !== "refused") return Cooldown.disabledFor(health, "invalid_refresh_token")
      const counted = { ...health, refreshFailureCount: health.refreshFailureCount + 1 }
      return counted.refreshFailureCount >= refreshFailureLimit
        ? Cooldown.disabledFor(counted, "too_many_refresh_failures")
        : counted
    },
    true
  )
})
