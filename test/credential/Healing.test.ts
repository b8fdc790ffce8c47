import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { CredentialStore, untouched } from "../../src/credential/CredentialStore.ts"
import type { Need } from "../../src/credential/Eligibility.ts"
import type { FailureKind, FailureReason } from "../../src/message/FailureReason.ts"
import type { Lease } from "../../src/message/Lease.ts"
import type { Balance } from "../../src/upstream/UpstreamProvider.ts"
import { anyNeed, failureOf, id, poolOf, poolOver, ready, settle, storeOf, succeeded } from "./PoolRig.ts"

const open = Effect.fnUntraced(function* (need: Partial<Need> = {}) {
  const pool = yield* CredentialPool
  const scope = yield* Scope.make()
  const lease = yield* pool.lease({ ...anyNeed, ...need }).pipe(Scope.provide(scope))
  return { lease, id: lease.credential.id, close: Scope.close(scope, Exit.void) }
})

const failed = (lease: Lease, kind: FailureKind, changes: Partial<FailureReason> = {}) =>
  CredentialPool.use((pool) =>
    pool.report(lease, { kind: "failure", reason: failureOf(kind, changes), need: anyNeed, mayRetrySame: false })
  )

const rest = (kind: FailureKind, changes: Partial<FailureReason> = {}) =>
  Effect.gen(function* () {
    const { close, lease } = yield* open()
    yield* failed(lease, kind, changes)
    yield* close
    return lease.credential.id
  })

const statusOf = (name: string) =>
  Effect.map(
    CredentialPool.use((pool) => pool.snapshot),
    ({ credentials }) => {
      const status = credentials.find((one) => one.id === name)
      assert.isDefined(status)
      return status
    }
  )

const balance: Balance = { subscription: null, email: null, used: 10, limit: 10, remaining: 0, resetsAt: null }

describe("after a rest", () => {
  const limited = { retryAfterMs: 60_000 }

  it.effect("one request finds out whether the credential serves again; the others go elsewhere", () =>
    Effect.gen(function* () {
      yield* rest("rate_limit", limited)
      yield* TestClock.adjust("60 seconds")
      const probe = yield* open()
      assert.strictEqual(probe.id, id("a"))
      assert.strictEqual((yield* open()).id, id("b"))
      const { explain } = yield* CredentialPool
      const [first] = (yield* explain(anyNeed)).credentials
      assert.deepStrictEqual(
        first?.reasons.map(({ kind }) => kind),
        ["full"]
      )
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })])))
  )

  it.effect("the credential is open to all as soon as the upstream has begun to answer", () =>
    Effect.gen(function* () {
      const { accepted } = yield* CredentialPool
      yield* rest("rate_limit", limited)
      yield* TestClock.adjust("60 seconds")
      const probe = yield* open()
      accepted(probe.lease)
      assert.strictEqual((yield* open()).id, id("a"))
      assert.isNull((yield* statusOf("a")).health.cooldown)
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })])))
  )

  it.effect("who waits is served in the moment in which the first answer begins", () =>
    Effect.gen(function* () {
      const { accepted } = yield* CredentialPool
      yield* rest("rate_limit", limited)
      yield* TestClock.adjust("60 seconds")
      const probe = yield* open()
      const waiting = yield* Effect.forkChild(open())
      yield* settle
      assert.isUndefined(waiting.pollUnsafe())
      accepted(probe.lease)
      yield* settle
      assert.isTrue(waiting.pollUnsafe() !== undefined)
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )

  it.effect("it rests again where the first request fails, for its full time", () =>
    Effect.gen(function* () {
      yield* rest("rate_limit", limited)
      yield* TestClock.adjust("60 seconds")
      yield* rest("rate_limit", limited)
      const { cooldown } = (yield* statusOf("a")).health
      assert.deepStrictEqual(cooldown?.until, DateTime.makeUnsafe(120_000))
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )

  it.effect("the next request is the first one where the first one's client went away", () =>
    Effect.gen(function* () {
      yield* rest("rate_limit", limited)
      yield* TestClock.adjust("60 seconds")
      const gone = yield* open()
      yield* gone.close
      assert.strictEqual((yield* open()).id, id("a"))
      assert.strictEqual((yield* open()).id, id("b"))
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })])))
  )
})

describe("a rest", () => {
  it.effect("is not lengthened by requests that were under way when it began", () =>
    Effect.gen(function* () {
      const both = [yield* open(), yield* open()]
      yield* failed(both[0]?.lease ?? assert.fail(), "rate_limit", { retryAfterMs: 60_000 })
      yield* TestClock.adjust("30 seconds")
      yield* failed(both[1]?.lease ?? assert.fail(), "rate_limit", { retryAfterMs: 60_000 })
      assert.deepStrictEqual((yield* statusOf("a")).health.cooldown?.until, DateTime.makeUnsafe(60_000))
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )

  it.effect("that a wrong clock made years long is cut to what its kind can be, at the next start", () =>
    Effect.gen(function* () {
      const store = Layer.succeedContext(yield* Layer.build(storeOf([ready("a"), ready("b")])))
      const far = DateTime.makeUnsafe("2199-01-01T00:00:00Z")
      const cooldown = { scope: "credential", source: "header", directoryKey: null, until: far } as const
      yield* CredentialStore.use(({ saveHealth }) =>
        Effect.andThen(
          saveHealth(id("a"), { ...untouched, cooldown: { ...cooldown, reason: "rate_limit" } }),
          saveHealth(id("b"), { ...untouched, cooldown: { ...cooldown, reason: "timeout" } })
        )
      ).pipe(Effect.provide(store))
      yield* Effect.gen(function* () {
        const until = (name: string) =>
          Effect.map(statusOf(name), ({ health }) => DateTime.toEpochMillis(health.cooldown?.until ?? far))
        assert.strictEqual(yield* until("a"), 300_000)
        assert.strictEqual(yield* until("b"), 300_000)
      }).pipe(Effect.provide(poolOver(store)))
    }).pipe(Effect.scoped)
  )
})

describe("an upstream that fails on several credentials", () => {
  it.effect("is left alone for a moment, also through those that did not fail", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      for (const name of ["a", "b", "c"]) {
        assert.strictEqual(yield* rest("upstream_error", { scope: "upstream" }), id(name))
      }
      const refused = yield* Effect.flip(open())
      assert.deepInclude(refused.reason, { _tag: "Cooling", limited: false, retryAfterMs: 5_000 })
      const { because, counts, credentials } = yield* pool.explain(anyNeed)
      assert.strictEqual(because, "all that could serve rest")
      assert.strictEqual(counts.cooldown, 4)
      assert.deepStrictEqual(credentials.find((one) => one.id === "d")?.reasons, [
        { kind: "cooldown", detail: "its upstream fails on several credentials", until: 5_000 }
      ])
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* open()).id, id("d"))
    }).pipe(Effect.provide(poolOf(["a", "b", "c", "d"].map((name, priority) => ready(name, { priority })))))
  )
})

describe("a monthly quota", () => {
  it.effect("that is used up comes back by itself when the account says", () =>
    Effect.gen(function* () {
      yield* rest("quota_exceeded")
      yield* settle
      assert.deepStrictEqual((yield* statusOf("a")).health.disabled, {
        reason: "quota_exceeded",
        until: DateTime.makeUnsafe("1970-01-05T00:00:00Z")
      })
      assert.strictEqual((yield* Effect.flip(open())).reason._tag, "OutOfQuota")
      yield* TestClock.adjust("4 days")
      const { close, lease } = yield* open()
      yield* CredentialPool.use((pool) => pool.report(lease, succeeded))
      yield* close
      assert.isNull((yield* statusOf("a")).health.disabled)
    }).pipe(
      Effect.provide(
        poolOf([ready("a")], {
          provider: { balance: () => Effect.succeed({ ...balance, resetsAt: Date.UTC(1970, 0, 5) }) }
        })
      )
    )
  )

  it.effect("that was refused a moment ago is not believed to have room, whatever the figures say", () =>
    Effect.gen(function* () {
      yield* rest("quota_exceeded")
      yield* settle
      assert.strictEqual((yield* Effect.flip(open())).reason._tag, "OutOfQuota")
    }).pipe(
      Effect.provide(
        poolOf([ready("a")], { provider: { balance: () => Effect.succeed({ ...balance, remaining: 900 }) } })
      )
    )
  )

  it.effect("comes back on the first where the account cannot be asked", () =>
    Effect.gen(function* () {
      yield* rest("quota_exceeded")
      yield* settle
      const { disabled } = (yield* statusOf("a")).health
      assert.deepStrictEqual(disabled?.until, DateTime.makeUnsafe("1970-02-01T00:00:00Z"))
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )

  it.effect("that has room again ends what the want of it has done", () => {
    let remaining = 0
    return Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      yield* rest("quota_exceeded")
      yield* settle
      assert.isTrue((yield* statusOf("a")).disabled)
      remaining = 5
      yield* TestClock.adjust("6 minutes")
      assert.strictEqual((yield* operations.balance(id("a"))).remaining, 5)
      assert.isFalse((yield* statusOf("a")).disabled)
      remaining = 4
      assert.strictEqual((yield* operations.balance(id("a"))).remaining, 5, "at most five minutes old")
    }).pipe(
      Effect.provide(
        poolOf([ready("a")], { provider: { balance: () => Effect.sync(() => ({ ...balance, remaining })) } })
      )
    )
  })
})

describe("a conversation", () => {
  it.effect("stays with the credential that served it, for as long as the settings say", () =>
    Effect.gen(function* () {
      const { report } = yield* CredentialPool
      const a = yield* open()
      const b = yield* open({ conversation: "c" })
      assert.strictEqual(b.id, id("b"))
      yield* report(b.lease, { kind: "success", conversation: "c" })
      yield* Effect.andThen(a.close, b.close)
      const again = yield* open({ conversation: "c" })
      assert.strictEqual(again.id, id("b"))
      assert.strictEqual(again.lease.why.because, "it serves this conversation")
      yield* again.close
      assert.strictEqual((yield* open()).id, id("a"))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* open({ conversation: "c" })).id, id("b"), "a is full")
      yield* Effect.void
    }).pipe(
      Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })], { pool: { maxInflightPerCredential: 1 } }))
    )
  )

  it.effect("goes elsewhere where its credential rests, and stays there", () =>
    Effect.gen(function* () {
      const { report } = yield* CredentialPool
      const first = yield* open({ conversation: "c" })
      yield* report(first.lease, { kind: "success", conversation: "c" })
      yield* failed(first.lease, "rate_limit", { retryAfterMs: 10_000 })
      yield* first.close
      const second = yield* open({ conversation: "c" })
      assert.strictEqual(second.id, id("b"))
      yield* report(second.lease, { kind: "success", conversation: "c" })
      yield* second.close
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* open({ conversation: "c" })).id, id("b"))
      assert.strictEqual((yield* open()).id, id("a"))
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })])))
  )
})

describe("an answer that began before a failure", () => {
  it.effect("ends neither the rest that followed nor the count towards switching off", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const old = yield* open()
      const second = yield* open()
      yield* failed(second.lease, "auth")
      yield* failed(second.lease, "suspicious_activity")
      yield* pool.report(old.lease, succeeded)
      const { health } = yield* statusOf("a")
      assert.strictEqual(health.cooldown?.reason, "suspicious_activity")
      assert.deepStrictEqual([health.failureCount, health.successCount], [1, 1])
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )

  it.effect("does not hide that its upstream fails on several credentials", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const old = yield* open()
      yield* TestClock.adjust("1 second")
      for (const name of ["a", "b", "c"]) {
        assert.strictEqual(yield* rest("upstream_error", { scope: "upstream" }), id(name))
        pool.accepted(old.lease)
        yield* pool.report(old.lease, succeeded)
      }
      assert.strictEqual((yield* Effect.flip(open())).reason._tag, "Cooling")
    }).pipe(Effect.provide(poolOf(["a", "b", "c", "d"].map((name, priority) => ready(name, { priority })))))
  )

  it.effect("does not open a credential that another request is trying out", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const limited = { retryAfterMs: 60_000 }
      yield* rest("rate_limit", limited)
      yield* TestClock.adjust("60 seconds")
      const first = yield* open()
      pool.accepted(first.lease)
      yield* rest("rate_limit", limited)
      yield* TestClock.adjust("60 seconds")
      const second = yield* open()
      assert.strictEqual(second.id, id("a"))
      yield* first.close
      assert.strictEqual((yield* open()).id, id("b"), "one request finds out, not two")
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })])))
  )
})

describe("a directory under suspicion", () => {
  it.effect("rests as a whole in one step: nobody is served by a member meanwhile", () => {
    const names = Array.from({ length: 20 }, (_, n) => `c${n}`)
    return Effect.gen(function* () {
      const store = Layer.succeedContext(yield* Layer.build(storeOf(names.map((name) => ready(name)))))
      const slow = Layer.effect(
        CredentialStore,
        Effect.map(CredentialStore, (memory) => ({
          ...memory,
          saveHealth: (...health: Parameters<typeof memory.saveHealth>) =>
            Effect.andThen(Effect.sleep("1 second"), memory.saveHealth(...health))
        }))
      ).pipe(Layer.provide(store))
      yield* CredentialStore.use(({ saveHealth }) =>
        Effect.forEach(names, (name) => saveHealth(id(name), { ...untouched, directoryKey: "d-1" }), { discard: true })
      ).pipe(Effect.provide(store))
      yield* Effect.gen(function* () {
        const { lease } = yield* open()
        yield* Effect.forkChild(failed(lease, "suspicious_activity", { scope: "directory", directoryKey: "d-1" }))
        yield* settle
        assert.strictEqual((yield* Effect.flip(open())).reason._tag, "Cooling")
        yield* TestClock.adjust("1 minute")
      }).pipe(Effect.provide(poolOver(slow)))
    }).pipe(Effect.scoped)
  })
})

describe("who waits", () => {
  it.effect("is served as soon as a credential's plan allows it the model", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      const opus = { model: "claude-opus-4.5" }
      yield* open(opus)
      const waiting = yield* Effect.forkChild(open(opus))
      yield* settle
      assert.isUndefined(waiting.pollUnsafe())
      yield* operations.balance(id("b"))
      yield* settle
      assert.isDefined(waiting.pollUnsafe())
    }).pipe(
      Effect.provide(
        poolOf([ready("a"), ready("b", { subscription: "KIRO FREE", priority: 1 })], {
          pool: { maxInflightPerCredential: 1 },
          provider: { balance: () => Effect.succeed({ ...balance, remaining: 5, subscription: "KIRO PRO" }) }
        })
      )
    )
  )

  it.effect("is served without a permit once the settings allow that", () =>
    Effect.gen(function* () {
      const settings = yield* RuntimeSettings
      yield* open()
      const waiting = yield* Effect.forkChild(open())
      yield* settle
      yield* settings.update("pool", { whenFull: "overflow" })
      yield* settle
      assert.isDefined(waiting.pollUnsafe())
      const { chosen } = yield* CredentialPool.use((pool) => pool.explain(anyNeed))
      assert.strictEqual(chosen, id("a"), "explain tells what the next request would find")
      const again = yield* open({ exclude: new Set([id("a")]) })
      assert.strictEqual(again.lease.why.because, "every permit is taken; borrowed without one")
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: { maxInflightPerCredential: 1 } })))
  )
})
