import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { everyKind } from "../storage/StoreCases.ts"
import { anyNeed, failureOf, id, poolOf, ready, refreshed, settle, succeeded } from "./PoolRig.ts"

const snapshot = CredentialPool.use((pool) => pool.snapshot)
const currentId = Effect.map(snapshot, (seen) => seen.currentId)
const leasedId = Effect.map(
  Effect.scoped(CredentialPool.use((pool) => pool.lease(anyNeed))),
  ({ credential }) => credential.id
)

describe("an operator", () => {
  it.effect("re-elects by priority at once, and durably", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      assert.strictEqual(yield* currentId, id("a"))
      yield* operations.setPriority(id("b"), 0)
      assert.strictEqual(yield* currentId, id("b"))
      assert.strictEqual(yield* leasedId, id("b"))
      const stored = yield* (yield* CredentialStore).load
      assert.deepStrictEqual(
        stored.map(({ credential }) => [credential.id, credential.priority]),
        [
          [id("b"), 0],
          [id("a"), 1]
        ]
      )
    }).pipe(Effect.provide(poolOf([ready("a", { priority: 1 }), ready("b", { priority: 2 })])))
  )

  it.effect("sees equals in the order in which they came, whatever their priorities were before", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      yield* operations.setPriority(id("b"), -1)
      assert.strictEqual(yield* currentId, id("b"))
      yield* operations.setPriority(id("b"), 0)
      assert.strictEqual(yield* currentId, id("a"))
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b")])))
  )

  it.effect("switches a credential off and on; on forgets failures, rests and reasons, and not what was counted", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      const lease = yield* pool.lease(anyNeed)
      yield* pool.report(lease, succeeded)
      for (const kind of ["auth", "auth", "rate_limit", "quota_exceeded"] as const) {
        yield* pool.report(lease, { kind: "failure", reason: failureOf(kind), need: anyNeed, mayRetrySame: false })
      }
      yield* pool.operations.setDisabled(id("a"), true)
      const [off] = (yield* snapshot).credentials
      assert.deepInclude(off?.health.disabled, { reason: "manual", until: null })
      assert.isNull(yield* currentId)
      yield* pool.operations.setDisabled(id("a"), false)
      const [on] = (yield* snapshot).credentials
      assert.deepInclude(on?.health, {
        disabled: null,
        cooldown: null,
        failureCount: 0,
        refreshFailureCount: 0,
        successCount: 1,
        transientFailureCount: 1
      })
      assert.deepStrictEqual((yield* (yield* CredentialStore).load)[0]?.health, on?.health)
      assert.deepInclude(yield* snapshot, { available: 1, currentId: id("a") })
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")])))
  )

  it.effect("helps those who wait by adding a credential, and adds none twice", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      yield* pool.lease(anyNeed)
      const waiting = yield* Effect.forkChild(leasedId)
      yield* settle
      const imported = { credential: ready("b"), fingerprint: "b" }
      assert.deepStrictEqual(yield* pool.operations.add(imported), { status: "added", id: id("b") })
      assert.strictEqual(yield* Fiber.join(waiting), id("b"))
      const again = { credential: ready("c"), fingerprint: "b" }
      assert.deepStrictEqual(yield* pool.operations.add(again), { status: "duplicate", id: id("b") })
      assert.strictEqual((yield* snapshot).credentials.length, 2)
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")], { pool: { maxInflightPerCredential: 1 } })))
  )

  it.effect("does not see the sandbox, which the first credential replaces", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      assert.strictEqual(yield* leasedId, id("box"))
      assert.deepInclude(yield* snapshot, { credentials: [], available: 0, currentId: null })
      yield* pool.operations.add({ credential: ready("a", { priority: 9 }), fingerprint: "a" })
      assert.strictEqual(yield* leasedId, id("a"))
    }).pipe(Effect.provide(poolOf([ready("box", { upstream: UpstreamId.make("sandbox") })])))
  )

  it.effect("is told what cannot be refreshed, and which id is unknown", () =>
    Effect.gen(function* () {
      const { operations } = yield* CredentialPool
      for (const key of ["api", "anthropic"]) {
        assert.strictEqual((yield* Effect.flip(operations.refresh(id(key))))._tag, "NotRefreshable")
      }
      const unknown = [
        yield* Effect.flip(operations.refresh(id("x"))),
        yield* Effect.flip(operations.reset(id("x"))),
        yield* Effect.flip(operations.setDisabled(id("x"), true)),
        yield* Effect.flip(operations.setDisabled(id("x"), false)),
        yield* Effect.flip(operations.setPriority(id("x"), 1))
      ]
      for (const error of unknown) assert.deepInclude(error, { _tag: "UnknownCredential", id: "x" })
      yield* operations.refresh(id("social"))
      const [social] = (yield* snapshot).credentials
      assert.deepStrictEqual(social?.expiresAt, refreshed(1).expiresAt)
    }).pipe(Effect.provide(poolOf(everyKind, { provider: { refresh: () => Effect.succeed(refreshed(1)) } })))
  )

  it.effect("removes only what is disabled, for good; a request that it serves may end", () =>
    Effect.gen(function* () {
      const { lease, operations, report, snapshot } = yield* CredentialPool
      const store = yield* CredentialStore
      yield* Effect.scoped(
        Effect.gen(function* () {
          const leased = yield* lease(anyNeed)
          assert.strictEqual((yield* Effect.flip(operations.remove(id("a"))))._tag, "NotDisabled")
          yield* operations.setDisabled(id("a"), true)
          yield* operations.remove(id("a"))
          assert.strictEqual((yield* snapshot).outstanding, 1)
          yield* report(leased, succeeded)
          yield* report(leased, {
            kind: "failure",
            reason: failureOf("rate_limit"),
            need: anyNeed,
            mayRetrySame: false
          })
        })
      )
      const seen = yield* snapshot
      assert.strictEqual(seen.outstanding, 0)
      assert.deepStrictEqual(
        seen.credentials.map((one) => one.id),
        [id("b")]
      )
      assert.strictEqual(seen.currentId, id("b"))
      assert.strictEqual((yield* Effect.flip(operations.remove(id("a"))))._tag, "UnknownCredential")
      assert.deepStrictEqual(
        (yield* store.load).map(({ credential }) => credential.id),
        [id("b")]
      )
      assert.isTrue(yield* store.wasRemoved("a"))
    }).pipe(Effect.provide(poolOf([ready("a"), ready("b", { priority: 1 })])))
  )

  it.effect("ends the wait of who waits for nobody but the removed", () =>
    Effect.gen(function* () {
      const { lease, operations } = yield* CredentialPool
      yield* lease(anyNeed)
      const waiting = yield* Effect.forkChild(Effect.flip(lease(anyNeed)))
      yield* settle
      yield* operations.setDisabled(id("a"), true)
      yield* operations.remove(id("a"))
      assert.strictEqual((yield* Fiber.join(waiting)).reason._tag, "NoneEnabled")
    }).pipe(Effect.scoped, Effect.provide(poolOf([ready("a")], { pool: { maxInflightPerCredential: 1 } })))
  )
})
