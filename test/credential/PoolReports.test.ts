import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Stream, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import type { Need } from "../../src/credential/Eligibility.ts"
import type { FailureReason } from "../../src/message/FailureReason.ts"
import { anyNeed, failureOf, id, poolOf, poolOver, ready, settle, storeOf, succeeded } from "./PoolRig.ts"

const statusOf = (name: string) =>
  Effect.map(
    CredentialPool.use((pool) => pool.snapshot),
    ({ credentials }) => {
      const status = credentials.find((one) => one.id === id(name))
      return { rests: status?.health.cooldown?.reason ?? null, health: status?.health, disabled: status?.disabled }
    }
  )

/** One request that fails on the best credential. */
const fail = (reason: FailureReason, mayRetrySame = true, need: Need = anyNeed) =>
  CredentialPool.use((pool) =>
    Effect.scoped(
      Effect.flatMap(pool.lease(need), (lease) => pool.report(lease, { kind: "failure", reason, need, mayRetrySame }))
    )
  )

describe("the end of an attempt", () => {
  for (const kind of ["network", "timeout", "upstream_error"] as const) {
    it.effect(`does not park a pool of one while the request may try again (${kind})`, () =>
      Effect.gen(function* () {
        yield* fail(failureOf(kind))
        yield* fail(failureOf(kind))
        const { health, rests } = yield* statusOf("a")
        assert.isNull(rests)
        assert.strictEqual(health?.transientFailureCount, 2)
        yield* fail(failureOf(kind), false)
        assert.isNotNull((yield* statusOf("a")).rests)
      }).pipe(Effect.provide(poolOf([ready("a")])))
    )
  }

  it.effect("rests the credential at once where another can serve", () =>
    Effect.gen(function* () {
      yield* fail(failureOf("upstream_error"))
      assert.strictEqual((yield* statusOf("a")).rests, "upstream_error")
      // Nobody else is left now, so the last one bears it.
      yield* fail(failureOf("upstream_error"))
      assert.isNull((yield* statusOf("b")).rests)
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b")])))
  )

  it.effect("does not count those among the others that are off, tried or barred", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      yield* operations.setDisabled(id("b"), true)
      yield* fail(failureOf("network"), true, {
        ...anyNeed,
        exclude: new Set([id("c")]),
        barred: new Set([id("d")])
      })
      assert.isNull((yield* statusOf("a")).rests)
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b"), ready("c"), ready("d")])))
  )

  it.effect("rests the only credential for its own limits", () =>
    Effect.gen(function* () {
      yield* fail(failureOf("rate_limit"))
      assert.strictEqual((yield* statusOf("a")).rests, "rate_limit")
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )

  it.effect("rests every enabled credential of a directory, and shortens no rest", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      const inDirectory = { directoryKey: "d-1" }
      // All but the last are known to belong to the directory.
      for (const name of ["a", "b", "c"]) {
        yield* fail(failureOf(name === "b" ? "overage_request_limit" : "rate_limit", inDirectory))
        if (name === "b") continue
        yield* operations.reset(id(name))
        yield* operations.setDisabled(id(name), true)
      }
      yield* operations.setDisabled(id("a"), false)
      const overage = (yield* statusOf("b")).health?.cooldown
      yield* operations.setPriority(id("d"), -1)
      yield* fail(failureOf("suspicious_activity", { scope: "directory", directoryKey: "d-1" }))
      const own = (yield* statusOf("d")).health?.cooldown
      assert.strictEqual(own?.reason, "suspicious_activity")
      assert.deepStrictEqual((yield* statusOf("a")).health?.cooldown, { ...own, source: "directory" })
      assert.deepStrictEqual((yield* statusOf("b")).health?.cooldown, overage)
      assert.isNull((yield* statusOf("c")).rests)
      assert.isNull((yield* statusOf("e")).rests)
    }).pipe(Effect.provide(poolOf(["a", "b", "c", "d", "e"].map((name, priority) => ready(name, { priority })))))
  )

  it.effect("counts refusals of requests that were under way together once", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const leases = [yield* pool.lease(anyNeed), yield* pool.lease(anyNeed), yield* pool.lease(anyNeed)]
      for (const lease of leases) {
        const reason = failureOf("auth")
        yield* pool.report(lease, { kind: "failure", reason, need: anyNeed, mayRetrySame: false })
      }
      const { health } = yield* statusOf("a")
      assert.deepStrictEqual([health?.failureCount, health?.disabled], [1, null])
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")])))
  )

  it.effect("rests a credential whose identity provider cannot be reached, where another can serve", () =>
    Effect.gen(function* () {
      const { withoutToken } = yield* CredentialPool
      yield* withoutToken(id("a"), { need: anyNeed, mayRetrySame: true })
      assert.strictEqual((yield* statusOf("a")).rests, "upstream_error")
      yield* withoutToken(id("b"), { need: anyNeed, mayRetrySame: true })
      assert.isNull((yield* statusOf("b")).rests, "the last one bears it")
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })])))
  )

  it.effect("ends a rest with a success", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      yield* fail(failureOf("rate_limit"))
      yield* TestClock.adjust("3 minutes")
      const lease = yield* pool.lease(anyNeed)
      yield* pool.report(lease, succeeded)
      const { health, rests } = yield* statusOf("a")
      assert.isNull(rests)
      assert.strictEqual(health?.successCount, 1)
      assert.deepStrictEqual(health?.lastUsedAt, yield* DateTime.now)
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")])))
  )

  it.effect("is told to those who listen, as is the end of a rest", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const heard = yield* Effect.forkChild(Stream.runCollect(Stream.take(pool.changes, 2)))
      yield* settle
      yield* fail(failureOf("rate_limit"))
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual([...(yield* Fiber.join(heard))], [id("a"), id("a")])
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )
})

describe("limits that an upstream tells", () => {
  const told = (remaining: number, resetsAt: number) => new Map([["requests", { limit: 100, remaining, resetsAt }]])
  const cooldownOf = (name: string) => Effect.map(statusOf(name), ({ health }) => health?.cooldown ?? null)

  it.effect("are shown, and rest nobody while there is something left", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const lease = yield* pool.lease(anyNeed)
      pool.told(lease, told(1, 60_000))
      const [status] = (yield* pool.snapshot).credentials
      assert.deepStrictEqual(
        [...(status?.rateLimits ?? [])],
        [["requests", { limit: 100, remaining: 1, resetsAt: 60_000 }]]
      )
      assert.isFalse(status?.cooling)
      pool.told(lease, new Map())
      assert.strictEqual((yield* pool.snapshot).credentials[0]?.rateLimits?.size, 1)
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")])))
  )

  it.effect("rest a credential from the answer that used one up until its reset, whatever else succeeds", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const older = yield* pool.lease(anyNeed)
      const bringer = yield* pool.lease(anyNeed)
      pool.told(bringer, told(0, 60_000))
      pool.accepted(bringer)
      for (const lease of [bringer, older]) {
        yield* pool.report(lease, succeeded)
        assert.deepInclude(yield* cooldownOf("a"), { reason: "rate_limit", source: "header" })
      }
      assert.strictEqual((yield* statusOf("a")).health?.successCount, 2)
      const refused = yield* Effect.flip(pool.lease(anyNeed))
      assert.deepStrictEqual(refused.reason, { _tag: "Cooling", limited: true, retryAfterMs: 60_000 })
      yield* TestClock.adjust("60 seconds")
      const next = yield* pool.lease(anyNeed)
      pool.accepted(next)
      yield* pool.report(next, succeeded)
      assert.isNull(yield* cooldownOf("a"))
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")])))
  )

  it.effect("that the first request after a rest finds used up begin another one", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      yield* fail(failureOf("rate_limit"))
      yield* TestClock.adjust("3 minutes")
      const probe = yield* pool.lease(anyNeed)
      pool.told(probe, told(0, 200_000))
      pool.accepted(probe)
      yield* pool.report(probe, succeeded)
      assert.deepInclude(yield* cooldownOf("a"), { until: DateTime.makeUnsafe(200_000) })
      assert.isFalse(yield* pool.canServe(anyNeed))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* pool.lease(anyNeed)).credential.id, id("a"))
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")])))
  )

  it.effect("let those go who wait for it in vain, tell those who listen, and are stored within a second", () => {
    const store = storeOf([ready("a")])
    return Effect.gen(function* () {
      const pool = yield* CredentialPool
      const stored = yield* CredentialStore
      const lease = yield* pool.lease(anyNeed)
      const waiting = yield* Effect.forkChild(Effect.flip(Effect.scoped(pool.lease(anyNeed))))
      yield* settle
      const heard = yield* Effect.forkChild(Stream.runCollect(Stream.take(pool.changes, 1)))
      yield* settle
      pool.told(lease, told(0, 60_000))
      yield* settle
      assert.deepInclude((yield* Fiber.join(waiting)).reason, { _tag: "Cooling", limited: true })
      assert.deepStrictEqual([...(yield* Fiber.join(heard))], [id("a")])
      yield* TestClock.adjust("1 second")
      const [kept] = yield* stored.load
      assert.strictEqual(kept?.health.cooldown?.reason, "rate_limit")
    }).pipe(Effect.scoped, Effect.provide(poolOver(store, { pool: { maxInflightPerCredential: 1 } })))
  })

  it.effect("rest nobody where credentials do not rest, and no longer than a header may ask for", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const settings = yield* RuntimeSettings
      const lease = yield* pool.lease(anyNeed)
      pool.told(lease, told(0, 3_600_000))
      assert.isNull(yield* cooldownOf("a"))
      yield* settings.update("cooldown", { enabled: true })
      pool.told(lease, told(0, 3_600_000))
      assert.deepInclude(yield* cooldownOf("a"), { until: DateTime.makeUnsafe(300_000) })
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")], { cooldown: { enabled: false } })))
  )

  it.effect("make way for others in balanced mode where little is left, until the reset", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const next = Effect.scoped(Effect.map(pool.lease(anyNeed), ({ credential }) => credential.id))
      yield* Effect.scoped(Effect.map(pool.lease(anyNeed), (lease) => pool.told(lease, told(9, 30_000))))
      assert.strictEqual(yield* next, id("b"))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* next, id("a"))
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })], { pool: { mode: "balanced" } })))
  )
})
