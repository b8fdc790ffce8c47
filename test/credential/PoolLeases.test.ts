import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import type { CredentialPoolError } from "../../src/credential/CredentialPoolError.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import type { Lease } from "../../src/message/Lease.ts"
import { anyNeed, failureOf, id, poolOf, ready, settle } from "./PoolRig.ts"

/** A lease in a scope of its own. */
const open = Effect.gen(function* () {
  const pool = yield* CredentialPool
  const scope = yield* Scope.make()
  const lease = yield* pool.lease(anyNeed).pipe(Scope.provide(scope))
  return { lease, close: Scope.close(scope, Exit.void) }
})

const queued = Effect.map(
  CredentialPool.use((pool) => pool.snapshot),
  (seen) => ({ queued: seen.queued, outstanding: seen.outstanding })
)

const one = { maxInflightPerCredential: 1 }

const failed = (kind: "rate_limit" | "upstream_error" | "quota_exceeded", lease: Lease) =>
  CredentialPool.use((pool) =>
    pool.report(lease, { kind: "failure", reason: failureOf(kind), need: anyNeed, mayRetrySame: false })
  )

const reasonOf = <A, R>(effect: Effect.Effect<A, CredentialPoolError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

describe("a lease", () => {
  it.effect("takes the preferred credential until it is full, then the next", () =>
    Effect.gen(function* () {
      const leases = [yield* open, yield* open, yield* open]
      assert.deepStrictEqual(
        leases.map(({ lease }) => lease.credential.id),
        [id("a"), id("a"), id("b")]
      )
      const { credentials, outstanding } = yield* (yield* CredentialPool).snapshot
      assert.strictEqual(outstanding, 3)
      assert.deepStrictEqual(
        credentials.map((status) => [status.outstanding, status.limit]),
        [
          [2, 2],
          [1, 2]
        ]
      )
    }).pipe(
      Effect.provide(poolOf([ready("b", { priority: 1 }), ready("a")], { pool: { maxInflightPerCredential: 2 } }))
    )
  )

  it.effect("comes in order of arrival, and no newcomer overtakes those who wait", () =>
    Effect.gen(function* () {
      const first = yield* open
      const order: Array<number> = []
      const ask = (n: number) =>
        Effect.forkChild(
          Effect.scoped(
            Effect.andThen(
              CredentialPool.use((pool) => pool.lease(anyNeed)),
              Effect.sync(() => order.push(n))
            )
          )
        )
      yield* ask(1)
      yield* ask(2)
      yield* settle
      assert.deepStrictEqual(yield* queued, { queued: 2, outstanding: 1 })
      // In one turn with the release, so that those who wait had no turn of their own yet.
      yield* first.close
      const late = yield* open
      assert.deepStrictEqual(order, [1, 2])
      yield* late.close
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 0 })
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: one })))
  )

  it.effect("is refused at once past the queue's limit, and after its time-out, with a hint when to come back", () =>
    Effect.gen(function* () {
      yield* open
      const waiting = yield* Effect.forkChild(reasonOf(open))
      yield* settle
      const refused = yield* reasonOf(open)
      assert.deepStrictEqual(refused, { _tag: "Full", because: "queue_full", retryAfterMs: 1000 })
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual((yield* queued).queued, 1)
      yield* TestClock.adjust("1 second")
      const late = yield* Fiber.join(waiting)
      assert.deepStrictEqual(late, { _tag: "Full", because: "queue_timeout", retryAfterMs: 1000 })
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 1 })
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: { ...one, queueLimit: 1 } })))
  )

  it.effect("never waits where the settings say so", () =>
    Effect.gen(function* () {
      const first = yield* open
      assert.deepInclude(yield* reasonOf(open), { _tag: "Full", because: "rejected" })
      yield* first.close
      yield* open
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: { ...one, whenFull: "reject" } })))
  )

  it.effect("is borrowed without a permit where the settings say so, and counted on its own", () =>
    Effect.gen(function* () {
      const first = yield* open
      const borrowed = yield* open
      assert.strictEqual(borrowed.lease.credential.id, id("a"))
      assert.strictEqual(borrowed.lease.why.because, "every permit is taken; borrowed without one")
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 1 })
      yield* first.close
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 0 })
      yield* borrowed.close
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 0 })
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: { ...one, whenFull: "overflow" } })))
  )

  it.effect("goes round between clients that wait", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const first = yield* open
      const order: Array<string> = []
      const ask = (client: string) =>
        Effect.forkChild(
          Effect.scoped(
            Effect.andThen(
              pool.lease({ ...anyNeed, client }),
              Effect.sync(() => order.push(client))
            )
          )
        )
      for (const client of ["a", "a", "a", "b", "c"]) yield* ask(client)
      yield* settle
      yield* first.close
      yield* settle
      assert.deepStrictEqual(order, ["a", "b", "c", "a", "a"])
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: one })))
  )

  it.effect("tells who is refused how long it may take, by how long leases have lasted", () =>
    Effect.gen(function* () {
      const first = yield* open
      yield* TestClock.adjust("8 seconds")
      yield* first.close
      yield* open
      assert.deepInclude(yield* reasonOf(open), { _tag: "Full", because: "rejected", retryAfterMs: 8_000 })
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: { ...one, whenFull: "reject" } })))
  )

  for (const releaseFirst of [true, false]) {
    const name = releaseFirst ? "before" : "after"
    it.effect(`loses no permit that comes free just ${name} the wait times out`, () =>
      Effect.gen(function* () {
        const pool = yield* CredentialPool
        const first = yield* open
        const release = Effect.andThen(Effect.sleep("30 seconds"), first.close)
        if (releaseFirst) yield* Effect.forkChild(release)
        yield* settle
        const outcome = yield* Effect.forkChild(Effect.exit(Effect.scoped(pool.lease(anyNeed))))
        yield* settle
        if (!releaseFirst) yield* Effect.forkChild(release)
        yield* settle
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(Exit.isSuccess(yield* Fiber.join(outcome)), releaseFirst)
        assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 0 })
        yield* open
      }).pipe(Effect.provide(poolOf([ready("a")], { pool: one })))
    )
  }

  it.effect("leaves nothing behind where the caller stops waiting but keeps its scope", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const first = yield* open
      const scope = yield* Scope.make()
      const waiting = yield* Effect.forkChild(pool.lease(anyNeed).pipe(Scope.provide(scope)))
      yield* settle
      assert.strictEqual((yield* queued).queued, 1)
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 1 })
      yield* first.close
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 0 })
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: one })))
  )

  it.effect("passes a permit on that was given to one who is interrupted in the same moment", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const first = yield* open
      const given = yield* Deferred.make<void>()
      const gone = yield* Effect.forkChild(pool.lease(anyNeed))
      yield* settle
      const next = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(pool.lease(anyNeed), Deferred.succeed(given, undefined)))
      )
      yield* settle
      yield* first.close
      yield* Fiber.interrupt(gone)
      yield* Deferred.await(given)
      yield* Fiber.join(next)
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 0 })
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")], { pool: one })))
  )

  it.effect("is given to those who wait when a limit is raised", () =>
    Effect.gen(function* () {
      const settings = yield* RuntimeSettings
      yield* open
      const waiting = yield* Effect.forkChild(open)
      yield* settle
      yield* settings.update("pool", { maxInflightPerCredential: 2 })
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 2 })
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: one })))
  )

  it.effect("keeps to a lowered limit once leases over it have run out", () =>
    Effect.gen(function* () {
      const settings = yield* RuntimeSettings
      const leases = [yield* open, yield* open, yield* open]
      yield* settings.update("pool", { maxInflight: 1 })
      yield* settle
      const waiting = yield* Effect.forkChild(open)
      for (const [index, lease] of leases.entries()) {
        yield* settle
        assert.deepStrictEqual(yield* queued, { queued: 1, outstanding: 3 - index })
        yield* lease.close
      }
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(yield* queued, { queued: 0, outstanding: 1 })
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b")])))
  )

  it.effect("is given to those who wait as soon as another credential's rest ends by time", () =>
    Effect.gen(function* () {
      const a = yield* open
      yield* failed("rate_limit", a.lease)
      const b = yield* open
      assert.strictEqual(b.lease.credential.id, id("b"))
      yield* a.close
      const waiting = yield* Effect.forkChild(open)
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual((yield* queued).queued, 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(waiting)).lease.credential.id, id("a"))
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b")], { pool: { ...one, queueTimeout: "10 minutes" } })))
  )

  it.effect("goes to who waits, not to a newcomer who asks in the moment in which a rest ends", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const order: Array<string> = []
      const ask = (name: string) =>
        Effect.scoped(
          Effect.andThen(
            pool.lease(anyNeed),
            Effect.sync(() => order.push(name))
          )
        )
      const newcomer = yield* Effect.forkChild(Effect.andThen(Effect.sleep("60 seconds"), ask("newcomer")))
      yield* settle
      const a = yield* open
      const reason = failureOf("rate_limit", { retryAfterMs: 60_000 })
      yield* pool.report(a.lease, { kind: "failure", reason, need: anyNeed, mayRetrySame: false })
      yield* a.close
      yield* open
      const waiting = yield* Effect.forkChild(ask("waiting"))
      yield* TestClock.adjust("60 seconds")
      yield* Fiber.join(waiting)
      yield* Fiber.join(newcomer)
      assert.deepStrictEqual(order, ["waiting", "newcomer"])
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b")], { pool: { ...one, queueTimeout: "10 minutes" } })))
  )

  it.effect("fails at once for those who wait when all that could serve them begin to rest", () =>
    Effect.gen(function* () {
      const first = yield* open
      const waiting = yield* Effect.forkChild(reasonOf(open))
      yield* settle
      yield* failed("rate_limit", first.lease)
      const reason = yield* Fiber.join(waiting)
      assert.strictEqual(reason._tag, "Cooling")
      if (reason._tag !== "Cooling") return
      assert.isTrue(reason.limited)
      assert.isAtLeast(reason.retryAfterMs, 96_000)
      assert.isAtMost(reason.retryAfterMs, 144_000)
    }).pipe(Effect.provide(poolOf([ready("a")], { pool: one })))
  )

  it.effect("is given to the first who may have it, past those who wait for the same at another upstream", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const [kiro, other] = [UpstreamId.make("kiro"), UpstreamId.make("other")]
      const order: Array<string> = []
      const ask = (name: string, ...upstreams: ReadonlyArray<UpstreamId>) =>
        Effect.gen(function* () {
          const lease = yield* pool.lease({ ...anyNeed, model: "m", upstreams })
          order.push(`${name}: ${lease.credential.id}`)
          yield* Effect.sleep("1 second")
        }).pipe(Effect.scoped, Effect.forkChild)
      const fibers = [
        yield* ask("first", kiro),
        yield* ask("second", other),
        yield* ask("third", kiro),
        yield* ask("fourth", other),
        yield* ask("fifth", kiro, other)
      ]
      yield* settle
      assert.deepStrictEqual(order, ["first: a", "second: z"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(order.slice(2), ["third: a", "fourth: z"])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(order[4], "fifth: a")
      for (const fiber of fibers) yield* Fiber.join(fiber)
    }).pipe(Effect.provide(poolOf([ready("a"), ready("z", { upstream: UpstreamId.make("other") })], { pool: one })))
  )

  it.effect("of one credential alone waits for that one, and fails at once where it is gone or rests", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const only = (name: string) => ({ ...anyNeed, only: id(name) })
      const first = yield* open
      assert.strictEqual(first.lease.credential.id, id("a"))
      const waiting = yield* Effect.forkChild(Effect.scoped(pool.lease(only("a"))))
      yield* settle
      assert.strictEqual((yield* queued).queued, 1, "another one is free")
      yield* first.close
      assert.strictEqual((yield* Fiber.join(waiting)).credential.id, id("a"))
      assert.deepStrictEqual(yield* reasonOf(pool.lease(only("c"))), { _tag: "Gone" })
      const { because, chosen } = yield* pool.explain(only("c"))
      assert.deepStrictEqual([because, chosen], ["the account at which the conversation lives is gone", null])
      yield* failed("rate_limit", first.lease)
      assert.deepInclude(yield* reasonOf(pool.lease(only("a"))), { _tag: "Cooling", limited: true })
      assert.isFalse(yield* pool.canServe(only("a")))
      assert.strictEqual((yield* pool.lease(only("b"))).credential.id, id("b"))
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a"), ready("b")], { pool: one })))
  )

  it.effect("says whether the rests are limits of those that could serve, whatever others suffer from", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      const a = yield* open
      yield* failed("upstream_error", a.lease)
      yield* operations.setDisabled(id("a"), true)
      const b = yield* open
      yield* failed("rate_limit", b.lease)
      assert.deepInclude(yield* reasonOf(open), { _tag: "Cooling", limited: true })
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b")])))
  )

  it.effect("tells an empty pool from one without quota", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      const first = yield* open
      yield* failed("quota_exceeded", first.lease)
      assert.deepStrictEqual(yield* reasonOf(open), { _tag: "OutOfQuota" })
      yield* operations.setDisabled(id("a"), true)
      assert.deepStrictEqual(yield* reasonOf(open), { _tag: "NoneEnabled" })
    }).pipe(Effect.provide(poolOf([ready("a")])))
  )
})
