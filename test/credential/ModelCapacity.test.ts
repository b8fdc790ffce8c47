import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { TestClock } from "effect/testing"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { markLimit, ModelCapacity } from "../../src/credential/ModelCapacity.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { anyNeed, failureOf, id, poolOf, ready, succeeded } from "./PoolRig.ts"

const kiro = UpstreamId.make("kiro")
const other = UpstreamId.make("other")

describe("ModelCapacity", () => {
  it("marks one model at one upstream, for a while", () => {
    const marks = new ModelCapacity()
    marks.lacked(kiro, "opus", { until: 100, turn: 1 })
    assert.isTrue(marks.isLacking(kiro, "opus", 99))
    for (const [upstream, model, now] of [
      [kiro, "opus", 100],
      [kiro, "sonnet", 99],
      [kiro, null, 99],
      [other, "opus", 99]
    ] as const) {
      assert.isFalse(marks.isLacking(upstream, model, now))
    }
  })

  it("ends a mark with an answer that began after it", () => {
    const marks = new ModelCapacity()
    marks.lacked(kiro, "opus", { until: 100, turn: 5 })
    marks.answered(kiro, "opus", 4)
    marks.answered(kiro, "sonnet", 6)
    assert.isTrue(marks.isLacking(kiro, "opus", 1))
    marks.answered(kiro, "opus", 6)
    assert.isFalse(marks.isLacking(kiro, "opus", 1))
  })

  it("is bounded: the oldest mark goes, and a name that is too long is not kept", () => {
    const marks = new ModelCapacity()
    for (let n = 0; n <= markLimit; n++) marks.lacked(kiro, `model-${n}`, { until: 100, turn: n })
    marks.lacked(kiro, "x".repeat(257), { until: 100, turn: 0 })
    assert.strictEqual(marks.size, markLimit)
    assert.isFalse(marks.isLacking(kiro, "model-0", 1))
    assert.isTrue(marks.isLacking(kiro, "model-1", 1))
  })
})

describe("a model without capacity at an upstream", () => {
  const need = { ...anyNeed, model: "opus", upstreams: [kiro, other] }
  const pool = (cooldown = {}) =>
    poolOf([ready("a", { upstream: kiro }), ready("z", { upstream: other })], { cooldown })
  const next = (model = "opus") =>
    CredentialPool.use((pool) =>
      Effect.scoped(Effect.map(pool.lease({ ...need, model }), ({ credential }) => credential.id))
    )
  /** One request that finds no capacity at the upstream of that credential. */
  const lack = (name: string, retryAfterMs: number | null = null) =>
    CredentialPool.use((pool) =>
      Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* pool.lease({ ...need, only: id(name) })
          const reason = failureOf("model_capacity", { scope: "model", retryAfterMs })
          yield* pool.report(lease, { kind: "failure", reason, need, mayRetrySame: true })
        })
      )
    )

  it.effect("puts it after the others for half a minute, and is said where somebody else serves", () =>
    Effect.gen(function* () {
      const { explain, snapshot } = yield* CredentialPool
      yield* lack("a")
      assert.strictEqual(yield* next(), id("z"))
      assert.strictEqual(yield* next("sonnet"), id("a"), "another model may have some")
      const { because, chosen, credentials } = yield* explain(need)
      assert.deepStrictEqual([chosen, because], [id("z"), "kiro: no capacity for the model; other: no other can serve"])
      assert.deepStrictEqual(
        credentials.map((one) => [one.id, one.eligible]),
        [
          [id("z"), true],
          [id("a"), true]
        ]
      )
      const [a] = (yield* snapshot).credentials
      assert.deepInclude(a?.health, { cooldown: null, disabled: null, failureCount: 0, transientFailureCount: 0 })
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* next(), id("a"))
    }).pipe(Effect.provide(pool()))
  )

  it.effect("lasts as long as the upstream says, and no longer than a header may ask for", () =>
    Effect.gen(function* () {
      yield* lack("a", 5_000)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(yield* next(), id("z"))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* next(), id("a"))
      yield* lack("a", 60_000)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* next(), id("a"))
    }).pipe(Effect.provide(pool({ maxRetryAfter: "10 seconds" })))
  )

  it.effect("ends with an answer, and refuses nobody: it serves where the others cannot", () =>
    Effect.gen(function* () {
      const pool = yield* CredentialPool
      yield* lack("a")
      yield* pool.operations.setDisabled(id("z"), true)
      const lease = yield* pool.lease(need)
      assert.deepStrictEqual(
        [lease.credential.id, lease.why.because],
        [id("a"), "other: 1 is disabled; kiro: no other can serve"]
      )
      yield* pool.report(lease, succeeded)
      yield* pool.operations.setDisabled(id("z"), false)
      assert.strictEqual(yield* next(), id("a"))
      assert.strictEqual(DateTime.toEpochMillis(yield* DateTime.now), 0)
    }).pipe(Effect.scoped, Effect.provide(pool()))
  )

  it.effect("changes nothing where all of them have none, or there is but one", () =>
    Effect.gen(function* () {
      yield* lack("a")
      yield* lack("z")
      assert.strictEqual(yield* next(), id("a"))
      const alone = yield* CredentialPool.use((pool) => pool.explain({ ...need, upstreams: [kiro] }))
      assert.deepStrictEqual([alone.chosen, alone.because], [id("a"), "no other can serve"])
    }).pipe(Effect.provide(pool()))
  )
})
