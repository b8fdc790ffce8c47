import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { Ledger } from "../../src/ledger/Ledger.ts"
import type { ClientKeyId } from "../../src/message/Ids.ts"
import { type KeyLimits, unlimited } from "../../src/message/KeyLimits.ts"
import { KeyUse } from "../../src/message/KeyUse.ts"
import { nothingUsed, type RecordedUsage } from "../../src/message/RequestRecord.ts"
import { ClientKeys } from "../../src/policy/ClientKeys.ts"
import { KeyAdmission, type KeyNeed } from "../../src/policy/KeyAdmission.ts"
import * as KeyStoreMemory from "../../src/policy/KeyStoreMemory.ts"

/** What keys have used by the ledger. */
class Uses extends Context.Service<Uses, Map<string, KeyUse>>()("test/Uses") {}

const ledger = Layer.effect(
  Ledger,
  Effect.flatMap(Uses, (uses) =>
    Effect.provide(Ledger, Layer.mock(Ledger, { isWorking: () => true, used: (id) => uses.get(id) ?? null }))
  )
)

const world = KeyAdmission.layer.pipe(
  Layer.provideMerge(
    Layer.merge(
      ledger,
      ClientKeys.layer({ clientKeys: [], adminKey: null }).pipe(Layer.provide(KeyStoreMemory.layer()))
    )
  ),
  Layer.provideMerge(Layer.sync(Uses, () => new Map()))
)

const test = <E>(name: string, body: Effect.Effect<void, E, KeyAdmission | ClientKeys | Uses>) =>
  it.effect(name, () => Effect.provide(body, world))

const make = (limits: Partial<KeyLimits>) =>
  ClientKeys.use((keys) => Effect.map(keys.create("one", { ...unlimited, ...limits }), ({ id }) => id))

const needing = (tokens: number): KeyNeed => ({
  model: { name: "claude-sonnet-4-5", resolved: "claude-sonnet-4.5" },
  estimate: () => tokens
})
const counting: KeyNeed = { model: null, estimate: null }

const used = (more: Partial<RecordedUsage>): RecordedUsage => ({ ...nothingUsed, ...more })

/** Lets a request in that ends at once, having used so much; or why it is not let in. */
const ask = (id: ClientKeyId, need: KeyNeed = needing(1), usage: RecordedUsage | null = used({})) =>
  KeyAdmission.use(({ admit }) =>
    admit(id, need).pipe(
      Effect.map((permit) => {
        if (usage !== null) permit.settle(usage)
        return "in" as const
      }),
      Effect.scoped,
      Effect.catch(({ reason }) =>
        Effect.succeed("retryAfterMs" in reason ? [whatOf(reason), reason.retryAfterMs] : reason._tag)
      )
    )
  )

const whatOf = (reason: { readonly _tag: string; readonly limit?: string }) => reason.limit ?? reason._tag

const standing = (id: ClientKeyId) => KeyAdmission.use((admission) => Effect.sync(() => admission.standing(id)))

/** A request of the key is settled in the ledger. */
const spend = (id: ClientKeyId, tokens: number, credits = 0) =>
  Effect.gen(function* () {
    const uses = yield* Uses
    const use = uses.get(id) ?? new KeyUse()
    uses.set(id, use)
    use.add(yield* Clock.currentTimeMillis, { tokens, credits })
  })

describe("a key", () => {
  test(
    "without limits is let in, whatever it asks for",
    Effect.gen(function* () {
      const id = yield* make({})
      for (let n = 0; n < 100; n++) assert.strictEqual(yield* ask(id, needing(1e9)), "in")
      assert.deepStrictEqual(yield* standing(id), { requests: null, tokens: null })
    })
  )

  test(
    "that is deleted, disabled or expired since it was presented is refused",
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const id = yield* make({})
      yield* keys.update(id, { disabled: true })
      assert.strictEqual(yield* ask(id), "NoKey")
      yield* keys.update(id, { disabled: false, expiresAt: 0 })
      assert.strictEqual(yield* ask(id), "NoKey")
      yield* keys.update(id, { expiresAt: null })
      assert.strictEqual(yield* ask(id), "in")
      yield* keys.remove(id)
      assert.strictEqual(yield* ask(id), "NoKey")
    })
  )

  test(
    "may use the models of its list alone, and what is refused for that costs it nothing",
    Effect.gen(function* () {
      const id = yield* make({ models: ["*-haiku-*"], requestsPerMinute: 1 })
      assert.strictEqual(yield* ask(id), "Model")
      assert.strictEqual(yield* ask(id, counting), "in")
    })
  )
})

describe("requests a minute", () => {
  test(
    "come back one by one, and the wait that is told is long enough",
    Effect.gen(function* () {
      const id = yield* make({ requestsPerMinute: 3 })
      for (let n = 0; n < 3; n++) assert.strictEqual(yield* ask(id), "in")
      assert.deepStrictEqual(yield* ask(id, counting), ["requests", 20_000])
      assert.deepStrictEqual((yield* standing(id)).requests, { limit: 3, remaining: 0, resetsAt: 60_000 })
      yield* TestClock.adjust(19_999)
      assert.deepStrictEqual(yield* ask(id), ["requests", 1])
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* ask(id), "in")
      assert.deepStrictEqual(yield* ask(id), ["requests", 20_000])
    })
  )

  test(
    "take a change of the limit on the next request",
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const id = yield* make({ requestsPerMinute: 1 })
      assert.strictEqual(yield* ask(id), "in")
      assert.deepStrictEqual(yield* ask(id), ["requests", 60_000])
      yield* keys.update(id, { requestsPerMinute: 2 })
      assert.strictEqual(yield* ask(id), "in")
      assert.deepStrictEqual(yield* ask(id), ["requests", 30_000])
      yield* keys.update(id, { requestsPerMinute: null })
      assert.strictEqual(yield* ask(id), "in")
    })
  )
})

describe("tokens a minute", () => {
  test(
    "are reserved by the estimate and settled by input, cache writes and output",
    Effect.gen(function* () {
      const id = yield* make({ tokensPerMinute: 600 })
      const usage = used({
        input_tokens: 100,
        cache_creation_input_tokens: 20,
        output_tokens: 3,
        cache_read_input_tokens: 400
      })
      assert.strictEqual(yield* ask(id, needing(520), usage), "in")
      assert.strictEqual((yield* standing(id)).tokens?.remaining, 477)
      assert.deepStrictEqual(yield* ask(id, needing(480)), ["tokens", 300])
      assert.strictEqual(yield* ask(id, counting), "in")
    })
  )

  test(
    "are given back whole where nothing was used, also without a record",
    Effect.gen(function* () {
      const id = yield* make({ tokensPerMinute: 600 })
      assert.strictEqual(yield* ask(id, needing(600), null), "in")
      assert.strictEqual(yield* ask(id, needing(600), used({})), "in")
      assert.strictEqual((yield* standing(id)).tokens?.remaining, 600)
    })
  )

  test(
    "count what is under way until that is known, and go into debt by what was more",
    Effect.gen(function* () {
      const { admit } = yield* KeyAdmission
      const id = yield* make({ tokensPerMinute: 600 })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const permit = yield* Effect.orDie(admit(id, needing(500)))
          assert.deepStrictEqual(yield* ask(id, needing(200)), ["tokens", 10_000])
          permit.settle(used({ output_tokens: 900 }))
          permit.settle(used({ output_tokens: 1_000_000 }))
        })
      )
      assert.strictEqual((yield* standing(id)).tokens?.remaining, 0)
      assert.deepStrictEqual(yield* ask(id, needing(1)), ["tokens", 30_100])
    })
  )

  test(
    "let a request larger than the limit in once all of it is there",
    Effect.gen(function* () {
      const id = yield* make({ tokensPerMinute: 600 })
      assert.strictEqual(yield* ask(id, needing(10), used({ input_tokens: 10 })), "in")
      assert.deepStrictEqual(yield* ask(id, needing(5_000)), ["tokens", 1_000])
      yield* TestClock.adjust(1_000)
      assert.strictEqual(yield* ask(id, needing(5_000), used({ input_tokens: 1_200 })), "in")
      assert.deepStrictEqual(yield* ask(id, needing(1)), ["tokens", 60_100])
    })
  )
})

describe("requests at a time", () => {
  test(
    "are never more than the limit, however many come, and each gives its place back",
    Effect.gen(function* () {
      const { admit } = yield* KeyAdmission
      const id = yield* make({ maxConcurrent: 3 })
      const end = yield* Deferred.make<void>()
      let [live, most] = [0, 0]
      const one = Effect.result(
        Effect.scoped(
          Effect.gen(function* () {
            yield* admit(id, needing(1))
            most = Math.max(most, ++live)
            yield* Effect.ensuring(
              Deferred.await(end),
              Effect.sync(() => live--)
            )
          })
        )
      )
      const fibers = yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.forkChild(one))
      yield* Effect.yieldNow
      const [first, ...others] = fibers
      yield* first === undefined ? Effect.void : Fiber.interrupt(first)
      assert.strictEqual(yield* ask(id), "in")
      yield* Deferred.succeed(end, undefined)
      const ends = yield* Effect.forEach(others, Fiber.join)
      assert.strictEqual(ends.filter(Result.isSuccess).length, 2)
      assert.strictEqual(most, 3)
      assert.strictEqual(yield* ask(id), "in")
    })
  )
})

describe("a budget", () => {
  test(
    "is what the ledger has of the key, and renews with the day",
    Effect.gen(function* () {
      const { usage } = yield* KeyAdmission
      const keys = yield* ClientKeys
      const id = yield* make({ budget: { tokens: 100, credits: null, per: "day" } })
      yield* TestClock.setTime(Date.parse("2028-02-29T18:00:00Z"))
      yield* spend(id, 99)
      assert.strictEqual(yield* ask(id), "in")
      yield* spend(id, 5)
      assert.deepStrictEqual(yield* ask(id), ["Budget", 6 * 3_600_000])
      assert.strictEqual(yield* ask(id, counting), "in", "what uses no tokens needs no budget")
      const key = keys.find(id) ?? assert.fail("no key")
      assert.deepStrictEqual(usage(key).budget, {
        used: { tokens: 104, credits: 0 },
        left: { tokens: 0, credits: null },
        renewsAt: Date.parse("2028-03-01T00:00:00Z")
      })
      yield* TestClock.adjust("6 hours")
      assert.strictEqual(yield* ask(id), "in")
      assert.strictEqual(usage(keys.find(id) ?? assert.fail("no key")).budget?.left.tokens, 100)
    })
  )

  test(
    "of credits counts what the upstreams charged",
    Effect.gen(function* () {
      const id = yield* make({ budget: { tokens: null, credits: 1, per: "month" } })
      yield* spend(id, 1_000_000, 0.75)
      assert.strictEqual(yield* ask(id), "in")
      yield* spend(id, 0, 0.25)
      assert.deepStrictEqual(yield* ask(id), ["Budget", 31 * 86_400_000])
    })
  )

  test(
    "counts from the period's beginning, also what was used before there was a budget",
    Effect.gen(function* () {
      const keys = yield* ClientKeys
      const id = yield* make({})
      yield* spend(id, 50)
      yield* keys.update(id, { budget: { tokens: 50, credits: null, per: "day" } })
      assert.deepStrictEqual(yield* ask(id), ["Budget", 86_400_000])
      yield* keys.update(id, { budget: null })
      assert.strictEqual(yield* ask(id), "in")
    })
  )
})

describe("a key's use", () => {
  test(
    "says what the minute has seen, what is under way and when it was used last",
    Effect.gen(function* () {
      const { admit, usage } = yield* KeyAdmission
      const keys = yield* ClientKeys
      const id = yield* make({ requestsPerMinute: 10 })
      const look = () => usage(keys.find(id) ?? assert.fail("no key"))
      assert.strictEqual(look().lastUsedAt, null)
      yield* TestClock.adjust("2 minutes")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const permit = yield* Effect.orDie(admit(id, needing(1)))
          permit.settle(used({ output_tokens: 7 }))
          assert.deepInclude(look(), { minute: { requests: 1, tokens: 7 }, concurrent: 1, lastUsedAt: 120_000 })
        })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(look(), { minute: { requests: 0, tokens: 0 }, concurrent: 0, lastUsedAt: 120_000 })
    })
  )
})
