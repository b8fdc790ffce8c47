import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Schema } from "effect"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import {
  afterBorne,
  afterDirectory,
  afterFailure,
  afterSuccess,
  afterUsedUp,
  effects,
  type FailureContext
} from "../../src/credential/Cooldown.ts"
import { type Health, untouched } from "../../src/credential/CredentialStore.ts"
import { FailureKind } from "../../src/message/FailureReason.ts"
import { failureOf } from "./PoolRig.ts"

const now = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const settings = quickstartConfig("/nowhere").config.cooldown
const context: FailureContext = { now, settings, disableAfterFailures: 3, wasTold: false, jitter: 0.5 }

/** How long the credential rests. Milliseconds. */
const restOf = (health: Health): number | null =>
  health.cooldown === null ? null : DateTime.toEpochMillis(health.cooldown.until) - DateTime.toEpochMillis(now)

const Jitter = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const HeaderMs = Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })))

describe("Cooldown", () => {
  it("rests by the kind of failure, and for the time that the settings give it", () => {
    const rests = FailureKind.literals.flatMap((kind) => {
      const { cooldown } = afterFailure(untouched, failureOf(kind), context)
      return cooldown === null ? [] : [[kind, cooldown.reason, restOf({ ...untouched, cooldown })]]
    })
    assert.deepStrictEqual(rests, [
      ["network", "upstream_error", 30_000],
      ["timeout", "timeout", 30_000],
      ["upstream_error", "upstream_error", 30_000],
      ["rate_limit", "rate_limit", 120_000],
      ["overage_request_limit", "overage_request_limit", 600_000],
      ["suspicious_activity", "suspicious_activity", 300_000]
    ])
  })

  it("disables at once for a used-up quota and a suspended account", () => {
    const reasonOf = (kind: FailureKind) => afterFailure(untouched, failureOf(kind), context).disabled?.reason
    assert.strictEqual(reasonOf("quota_exceeded"), "quota_exceeded")
    assert.strictEqual(reasonOf("account_suspended"), "account_suspended")
  })

  it("disables after so many refusals in a row, and a success starts the count over", () => {
    const refused = (health: Health) => afterFailure(health, failureOf("auth"), context)
    const twice = refused(refused(untouched))
    assert.strictEqual(twice.failureCount, 2)
    assert.isNull(twice.disabled)
    assert.strictEqual(refused(twice).disabled?.reason, "too_many_failures")
    assert.strictEqual(afterSuccess(twice, now, true).failureCount, 0)
  })

  it("keeps a person's decision", () => {
    const off: Health = { ...untouched, disabled: { reason: "manual", until: null } }
    assert.strictEqual(afterFailure(off, failureOf("quota_exceeded"), context).disabled?.reason, "manual")
  })

  it("leaves the credential alone where the failure is the model's or the request's", () => {
    const innocent = FailureKind.literals.filter((kind) => effects[kind] === "nothing")
    assert.includeMembers(innocent, ["model_capacity", "invalid_request", "prompt_too_long", "stream_broken"])
    for (const kind of innocent) {
      assert.deepStrictEqual(afterFailure(untouched, failureOf(kind), context), { ...untouched, lastUsedAt: now })
    }
  })

  it.prop(
    "spreads the table's times by a fifth either way, a header's not at all, and asks no sooner than in a second",
    [Jitter, HeaderMs],
    (drawn) => {
      const [jitter, retryAfterMs] = drawn
      const rest = restOf(afterFailure(untouched, failureOf("rate_limit", { retryAfterMs }), { ...context, jitter }))
      if (retryAfterMs !== null) return assert.strictEqual(rest, Math.max(1_000, Math.min(retryAfterMs, 300_000)))
      assert.isNotNull(rest)
      assert.isAtLeast(rest, 96_000)
      assert.isAtMost(rest, 144_000)
    }
  )

  it.prop("does not listen to a header after overage or suspicion", [HeaderMs], ([retryAfterMs]) => {
    for (const kind of ["overage_request_limit", "suspicious_activity"] as const) {
      const after = afterFailure(untouched, failureOf(kind, { retryAfterMs }), context)
      assert.strictEqual(after.cooldown?.source, "table")
    }
  })

  it.prop("never shortens a rest", [Schema.Array(FailureKind), Jitter, HeaderMs], ([kinds, jitter, retryAfterMs]) => {
    let health = untouched
    for (const kind of kinds) {
      const before = restOf(health) ?? 0
      health = afterFailure(health, failureOf(kind, { retryAfterMs }), { ...context, jitter })
      assert.isAtLeast(restOf(health) ?? 0, before)
    }
  })

  it("counts without a rest where rests are switched off", () => {
    const off = { ...context, settings: { ...settings, enabled: false } }
    const after = afterFailure(untouched, failureOf("rate_limit"), off)
    assert.isNull(after.cooldown)
    assert.strictEqual(after.transientFailureCount, 1)
  })

  it("counts a fault that is borne, and nothing more", () => {
    assert.deepStrictEqual(afterBorne(untouched, now), { ...untouched, transientFailureCount: 1, lastUsedAt: now })
  })

  it("lets a directory's rest extend a credential's own, and says where it comes from", () => {
    const reason = failureOf("suspicious_activity", { scope: "directory", directoryKey: "d-1" })
    const { cooldown } = afterFailure(untouched, reason, context)
    assert.isNotNull(cooldown)
    assert.deepStrictEqual(afterDirectory(untouched, cooldown, now).cooldown, { ...cooldown, source: "directory" })
    const until = DateTime.addDuration(now, Duration.minutes(10))
    const longer: Health = { ...untouched, cooldown: { ...cooldown, until, reason: "overage_request_limit" } }
    assert.deepStrictEqual(afterDirectory(longer, cooldown, now), longer)
  })

  it("ends with a success", () => {
    const resting = afterFailure(untouched, failureOf("rate_limit"), context)
    const after = afterSuccess(resting, now, true)
    assert.isNull(after.cooldown)
    assert.strictEqual(after.successCount, 1)
    assert.deepStrictEqual(after.lastUsedAt, now)
  })

  describe("of a limit that is used up", () => {
    const ahead = (ms: number) => DateTime.toEpochMillis(now) + ms
    const usedUp = (ms: number, health: Health = untouched) => afterUsedUp(health, ahead(ms), { now, settings })

    it("lasts until there is more, at most as long as a header may ask for", () => {
      const { cooldown } = usedUp(7_000)
      assert.deepInclude(cooldown, { reason: "rate_limit", source: "header", scope: "credential", directoryKey: null })
      assert.strictEqual(restOf(usedUp(7_000)), 7_000)
      assert.strictEqual(restOf(usedUp(3_600_000)), 300_000)
    })

    it("is none where it would be over, or where credentials do not rest", () => {
      assert.strictEqual(usedUp(0), untouched)
      const never = { ...settings, maxRetryAfter: Duration.zero }
      assert.strictEqual(afterUsedUp(untouched, ahead(7_000), { now, settings: never }), untouched)
      const off = { ...settings, enabled: false }
      assert.strictEqual(afterUsedUp(untouched, ahead(7_000), { now, settings: off }), untouched)
    })

    it("gives way to what the upstream asks for itself, and not to our own table", () => {
      const told = usedUp(7_000)
      const refused = (retryAfterMs: number | null) =>
        restOf(afterFailure(told, failureOf("rate_limit", { retryAfterMs }), { ...context, wasTold: true }))
      assert.strictEqual(refused(60_000), 60_000)
      assert.strictEqual(refused(6_000), 7_000)
      assert.strictEqual(refused(null), 7_000)
    })

    it("is not ended by an answer that began before", () => {
      const told = usedUp(7_000, { ...untouched, failureCount: 2 })
      assert.deepInclude(afterSuccess(told, now, false), { cooldown: told.cooldown, failureCount: 0, successCount: 1 })
    })
  })
})
