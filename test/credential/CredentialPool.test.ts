import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import type { FailureKind } from "../../src/message/FailureReason.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { RefreshFailure } from "../../src/upstream/RefreshFailure.ts"
import { UpstreamFailure } from "../../src/upstream/UpstreamFailure.ts"
import { everyKind, social } from "../storage/StoreCases.ts"
import {
  anyNeed,
  failureOf,
  id,
  poolOf,
  poolOver,
  providerLayer,
  ready,
  refreshed,
  settingsLayer,
  settle,
  storeOf,
  succeeded
} from "./PoolRig.ts"

const fails = (kind: FailureKind, times = 1) =>
  CredentialPool.use((pool) =>
    Effect.forEach(
      Array.from({ length: times }),
      () =>
        Effect.scoped(
          Effect.flatMap(pool.lease(anyNeed), (lease) =>
            pool.report(lease, { kind: "failure", reason: failureOf(kind), need: anyNeed, mayRetrySame: false })
          )
        ),
      { discard: true }
    )
  )

const statuses = Effect.map(
  CredentialPool.use((pool) => pool.snapshot),
  (seen) => seen.credentials
)

describe("a restart", () => {
  for (const urgent of [true, false]) {
    const name = urgent ? "rests and reasons" : "counters"
    it.effect(`keeps ${name}`, () =>
      Effect.gen(function* () {
        const store = Layer.succeedContext(yield* Layer.build(storeOf([ready("a"), ready("b", { priority: 1 })])))
        const before = yield* Effect.gen(function* () {
          const pool = yield* CredentialPool
          if (urgent) {
            yield* fails("rate_limit")
            yield* fails("quota_exceeded")
          } else {
            const lease = yield* pool.lease(anyNeed)
            yield* pool.report(lease, succeeded)
            yield* fails("auth", 2)
          }
          return yield* statuses
        }).pipe(Effect.scoped, Effect.provide(poolOver(store)))
        yield* TestClock.adjust("10 seconds")
        const after = yield* statuses.pipe(Effect.provide(poolOver(store)))
        const health = (seen: typeof before) => seen.map((status) => status.health)
        assert.deepStrictEqual(health(after), health(before))
        if (!urgent) {
          assert.strictEqual(after[0]?.health.successCount, 1)
          return assert.strictEqual(after[0]?.health.failureCount, 2)
        }
        assert.strictEqual(after[0]?.health.cooldown?.reason, "rate_limit")
        assert.strictEqual(after[1]?.health.disabled?.reason, "quota_exceeded")
        yield* TestClock.adjust("3 minutes")
        const later = yield* Effect.scoped(CredentialPool.use((pool) => pool.lease(anyNeed))).pipe(
          Effect.provide(poolOver(store))
        )
        assert.strictEqual(later.credential.id, id("a"))
      }).pipe(Effect.scoped)
    )
  }

  it.effect("finds what storage refused at first, once storage works again", () =>
    Effect.gen(function* () {
      const memory = Context.get(yield* Layer.build(storeOf([ready("a")])), CredentialStore)
      const broken = { now: true }
      const store = Layer.succeed(CredentialStore, {
        ...memory,
        saveHealth: (credential, health) =>
          broken.now
            ? Effect.fail(new StorageError({ operation: "save health", cause: "disk full" }))
            : memory.saveHealth(credential, health)
      })
      yield* Effect.gen(function* () {
        yield* fails("rate_limit")
        broken.now = false
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* memory.load)[0]?.health.cooldown?.reason, "rate_limit")
      }).pipe(Effect.provide(poolOver(store)))
    }).pipe(Effect.scoped)
  )
})

describe("a credential without a usable token", () => {
  for (const kind of ["unavailable", "refused", "rejected"] as const) {
    it.effect(`gives no lease and holds no permit (${kind})`, () =>
      Effect.gen(function* () {
        const pool = yield* CredentialPool
        // The scope stays open, as a caller's may.
        const error = yield* Effect.flip(pool.lease(anyNeed))
        const { reason: noToken } = error
        if (noToken._tag !== "NoToken") return assert.fail(noToken._tag)
        assert.deepStrictEqual([noToken.credentialId, noToken.transient], [id("a"), kind === "unavailable"])
        assert.strictEqual((yield* pool.snapshot).outstanding, 0)
        const [status] = yield* statuses
        const reason = kind === "rejected" ? "invalid_refresh_token" : undefined
        assert.strictEqual(status?.health.disabled?.reason, reason)
        assert.strictEqual(status?.health.refreshFailureCount, kind === "refused" ? 1 : 0)
      }).pipe(
        Effect.scoped,
        Effect.provide(
          poolOf([social("a", { expiresAt: null })], {
            provider: { refresh: () => Effect.fail(new RefreshFailure({ kind, status: null, detail: "" })) }
          })
        )
      )
    )
  }

  it.effect("is disabled after three refusals, never by the network, and until an operator's refresh succeeds", () => {
    const answers: { kind: RefreshFailure["kind"] | null } = { kind: "unavailable" }
    return Effect.gen(function* () {
      const pool = yield* CredentialPool
      const disabled = Effect.map(statuses, ([status]) => status?.health.disabled?.reason)
      const ask = Effect.flip(Effect.scoped(pool.lease(anyNeed)))
      for (let n = 0; n < 10; n++) yield* ask
      assert.isUndefined(yield* disabled)
      answers.kind = "refused"
      yield* ask
      yield* ask
      assert.isUndefined(yield* disabled)
      yield* ask
      assert.strictEqual(yield* disabled, "too_many_refresh_failures")
      assert.strictEqual((yield* ask).reason._tag, "NoneEnabled")
      answers.kind = null
      yield* pool.operations.refresh(id("a"))
      assert.isUndefined(yield* disabled)
      assert.strictEqual(Redacted.value((yield* Effect.scoped(pool.lease(anyNeed))).token), "access 1")
    }).pipe(
      Effect.provide(
        poolOf([social("a", { expiresAt: null, profileArn: "arn" })], {
          provider: {
            refresh: () =>
              answers.kind === null
                ? Effect.succeed(refreshed(1))
                : Effect.fail(new RefreshFailure({ kind: answers.kind, status: null, detail: "" }))
          }
        })
      )
    )
  })

  it.effect("is refreshed once for two requests that are refused at the same time", () => {
    const calls: Array<string> = []
    const gate = Deferred.makeUnsafe<void>()
    return Effect.gen(function* () {
      const pool = yield* CredentialPool
      const store = yield* CredentialStore
      const leases = [yield* pool.lease(anyNeed), yield* pool.lease(anyNeed)]
      const replacing = yield* Effect.forkChild(Effect.forEach(leases, pool.replaceToken, { concurrency: "unbounded" }))
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(
        (yield* Fiber.join(replacing)).map((lease) => Redacted.value(lease.token)),
        ["access 1", "access 1"]
      )
      assert.strictEqual(calls.length, 1)
      assert.strictEqual(Redacted.value((yield* pool.lease(anyNeed)).token), "access 1")
      const [row] = yield* store.load
      if (row?.credential.kind !== "social") return assert.fail("no such row")
      assert.strictEqual(Redacted.value(row.credential.refreshToken), "refresh 1")
    }).pipe(
      Effect.scoped,
      Effect.provide(
        poolOf([ready("a")], {
          provider: {
            refresh: (credential) =>
              Effect.sync(() => calls.push(credential.id)).pipe(
                Effect.andThen(Deferred.await(gate)),
                Effect.as(refreshed(1))
              )
          }
        })
      )
    )
  })
})

describe("the profile of a credential", () => {
  for (const found of ["arn:found", null]) {
    it.effect(`is looked up once, for all who wait, and kept (${found})`, () => {
      const gate = Deferred.makeUnsafe<void>()
      const calls: Array<string> = []
      return Effect.gen(function* () {
        const pool = yield* CredentialPool
        const asking = yield* Effect.forkChild(
          Effect.all([pool.lease(anyNeed), pool.lease(anyNeed)], { concurrency: "unbounded" })
        )
        yield* settle
        yield* Deferred.succeed(gate, undefined)
        const leases = [...(yield* Fiber.join(asking)), yield* pool.lease(anyNeed)]
        assert.deepStrictEqual(
          leases.map(({ credential }) => credential.profileArn),
          [found, found, found]
        )
        assert.deepStrictEqual(calls, ["access of a"])
        assert.strictEqual((yield* (yield* CredentialStore).load)[0]?.credential.profileArn, found)
      }).pipe(
        Effect.scoped,
        Effect.provide(
          poolOf([ready("a", { profileArn: null })], {
            provider: {
              discoverProfile: ({ token }) =>
                Effect.sync(() => calls.push(Redacted.value(token))).pipe(
                  Effect.andThen(Deferred.await(gate)),
                  Effect.as(found)
                )
            }
          })
        )
      )
    })
  }

  it.effect("is looked up again after a minute where that failed, and no request waits for it to succeed", () => {
    let calls = 0
    return Effect.gen(function* () {
      const ask = Effect.map(
        Effect.scoped(CredentialPool.use((pool) => pool.lease(anyNeed))),
        ({ credential }) => credential.profileArn
      )
      assert.deepStrictEqual([yield* ask, yield* ask, calls], [null, null, 1])
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual([yield* ask, calls], [null, 1])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* ask, yield* ask, calls], ["arn:found", "arn:found", 2])
    }).pipe(
      Effect.provide(
        poolOf([ready("a", { profileArn: null })], {
          provider: {
            discoverProfile: () =>
              ++calls === 1
                ? Effect.fail(new UpstreamFailure({ reason: failureOf("network") }))
                : Effect.succeed("arn:found")
          }
        })
      )
    )
  })
})

describe("a credential of the environment", () => {
  it.effect("is used and changed like any other, and never written", () => {
    const writes: Array<string> = []
    const wrote = (what: string) => Effect.sync(() => writes.push(what)).pipe(Effect.asVoid)
    const store = Layer.mock(CredentialStore, {
      load: Effect.succeed([]),
      everHeldOne: Effect.succeed(false),
      saveTokens: () => wrote("tokens"),
      saveHealth: () => wrote("health"),
      update: () => wrote("change"),
      remove: () => wrote("removal")
    })
    const expiring = social("env", { expiresAt: null, priority: 1 })
    const apiKey = everyKind.flatMap((credential) => (credential.kind === "api_key" ? [credential] : []))
    const pool = CredentialPool.layerWith({ proxy: null, ephemeral: [...apiKey, expiring] }).pipe(
      Layer.provide([
        settingsLayer(),
        store,
        providerLayer({
          provider: {
            refresh: () => Effect.succeed(refreshed(1)),
            discoverProfile: () => Effect.succeed("arn:found")
          }
        })
      ])
    )
    return Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const { operations, lease } = yield* CredentialPool
        assert.strictEqual(Redacted.value((yield* Effect.scoped(lease(anyNeed))).token), "ksk_api")
        yield* fails("rate_limit")
        const second = yield* Effect.scoped(lease(anyNeed))
        assert.strictEqual(Redacted.value(second.token), "access 1")
        assert.strictEqual(second.credential.profileArn, "arn:found")
        yield* fails("auth", 3)
        yield* operations.reset(id("env"))
        yield* operations.setPriority(id("env"), 0)
        yield* operations.setDisabled(id("api"), true)
        yield* operations.refresh(id("env"))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* statuses).length, 2)
      }).pipe(Effect.provide(pool), Effect.orDie)
      assert.deepStrictEqual(writes, [])
    })
  })
})

describe("a lease whose token or profile takes long", () => {
  const expired = ready("a", { expiresAt: DateTime.makeUnsafe(0), profileArn: null })

  it.effect("takes no longer than the request may, and the refresh goes on without it", () => {
    const waiting: { end: Deferred.Deferred<void> | null } = { end: null }
    return Effect.gen(function* () {
      waiting.end = yield* Deferred.make<void>()
      const pool = yield* CredentialPool
      const told: Array<number> = []
      const held = () => {
        told.push(1)
        return 2_000
      }
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.scoped(pool.lease(anyNeed, held))))
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "NoToken", transient: true })
      assert.deepStrictEqual(told, [1])
      assert.strictEqual((yield* pool.snapshot).outstanding, 0)
      yield* Deferred.succeed(waiting.end, undefined)
      const lease = yield* Effect.scoped(pool.lease(anyNeed, held))
      assert.strictEqual(Redacted.value(lease.token), "access 1")
    }).pipe(
      Effect.provide(
        poolOf([expired], {
          provider: {
            refresh: () => Effect.as(waiting.end === null ? Effect.void : Deferred.await(waiting.end), refreshed(1))
          }
        })
      )
    )
  })

  it.effect("goes on without a profile after three seconds", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const fiber = yield* Effect.forkChild(Effect.scoped(pool.lease(anyNeed)))
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.isNull((yield* Fiber.join(fiber)).credential.profileArn)
    }).pipe(
      Effect.provide(poolOf([ready("a", { profileArn: null })], { provider: { discoverProfile: () => Effect.never } }))
    )
  )
})

describe("the pool's answers", () => {
  it.effect("hold no secret", () =>
    Effect.gen(function* () {
      const seen = yield* statuses
      assert.strictEqual(seen.length, everyKind.length)
      assert.isFalse(deep(seen).some(Redacted.isRedacted))
      const [first] = seen
      assert.deepStrictEqual(first?.expiresAt, DateTime.makeUnsafe("2026-01-01T00:00:00Z"))
    }).pipe(Effect.provide(poolOf(everyKind)))
  )
})

const deep = (value: unknown): ReadonlyArray<unknown> =>
  typeof value === "object" && value !== null && !Redacted.isRedacted(value)
    ? [value, ...Object.values(value).flatMap(deep)]
    : [value]
