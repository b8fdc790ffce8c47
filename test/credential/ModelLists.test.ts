import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import type { Lease } from "../../src/message/Lease.ts"
import { failure } from "../../src/upstream/UpstreamFailure.ts"
import type { UpstreamModel } from "../../src/upstream/UpstreamProvider.ts"
import { anyNeed, id, poolOf, ready, settle } from "./PoolRig.ts"

const model = (name: string): UpstreamModel => ({
  id: name,
  name,
  maxInputTokens: null,
  maxOutputTokens: null,
  promptCaching: null,
  info: null
})

/** Credential `a` may use sonnet, `b` opus too; counts who was asked. */
const listing = (asked: Array<string>) => ({
  listModels: ({ credential }: Lease) =>
    Effect.sync(() => {
      asked.push(credential.id)
      return credential.id === id("a") ? [model("sonnet")] : [model("sonnet"), model("opus")]
    })
})

const leaseFor = (name: string) =>
  Effect.scoped(
    Effect.map(
      CredentialPool.use((pool) => pool.lease({ ...anyNeed, model: name })),
      ({ credential }) => credential.id
    )
  )

const twoAccounts = [ready("a"), ready("b", { priority: 1 })]

describe("models", () => {
  it.effect("of each credential are known soon after the start, and choose who serves", () => {
    const asked: Array<string> = []
    return Effect.gen(function* () {
      yield* settle
      assert.deepStrictEqual(asked, ["a", "b"])
      assert.strictEqual(yield* leaseFor("sonnet"), id("a"))
      assert.strictEqual(yield* leaseFor("opus"), id("b"))
      assert.strictEqual(yield* leaseFor("nobody lists it"), id("a"))
      const { operations, models } = yield* CredentialPool
      assert.deepStrictEqual(
        (yield* models).map((one) => one.id),
        ["sonnet", "opus"]
      )
      yield* operations.setDisabled(id("b"), true)
      const refused = yield* Effect.flip(leaseFor("opus"))
      assert.deepStrictEqual(refused.reason, { _tag: "NoneEnabled" }, "the one that may use it is switched off")
    }).pipe(Effect.provide(poolOf(twoAccounts, { provider: listing(asked) })))
  })

  it.effect("are listed anew after ten minutes of use, beside the request", () => {
    const asked: Array<string> = []
    return Effect.gen(function* () {
      yield* settle
      yield* TestClock.adjust("9 minutes")
      yield* leaseFor("sonnet")
      yield* settle
      assert.lengthOf(asked, 2)
      yield* TestClock.adjust("1 minute")
      yield* leaseFor("sonnet")
      yield* settle
      assert.deepStrictEqual(asked, ["a", "b", "a"])
    }).pipe(Effect.provide(poolOf(twoAccounts, { provider: listing(asked) })))
  })

  it.effect("that could not be listed hold nobody up, and are asked for a minute later", () => {
    let asked = 0
    const listModels = () =>
      Effect.suspend(() => {
        asked++
        return Effect.fail(failure("upstream_error", "upstream", "test"))
      })
    return Effect.gen(function* () {
      const { models } = yield* CredentialPool
      assert.deepStrictEqual(yield* models, [])
      assert.strictEqual(yield* leaseFor("opus"), id("a"))
      yield* settle
      assert.strictEqual(asked, 1)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* models, [])
      assert.strictEqual(asked, 2)
    }).pipe(Effect.provide(poolOf([ready("a")], { provider: { listModels } })))
  })

  it.effect("are waited for by who asks for them while none is known, and by no request", () =>
    Effect.gen(function* () {
      const told = yield* Deferred.make<ReadonlyArray<UpstreamModel>>()
      yield* Effect.gen(function* () {
        const { models } = yield* CredentialPool
        const waiting = yield* Effect.forkChild(models)
        yield* settle
        assert.strictEqual(yield* leaseFor("opus"), id("a"))
        assert.isUndefined(waiting.pollUnsafe())
        yield* Deferred.succeed(told, [model("opus")])
        yield* settle
        assert.isDefined(waiting.pollUnsafe())
      }).pipe(Effect.provide(poolOf([ready("a")], { provider: { listModels: () => Deferred.await(told) } })))
    })
  )
})
