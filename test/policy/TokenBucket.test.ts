import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { TokenBucket } from "../../src/policy/TokenBucket.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Step = Schema.Struct({
  /** Since the step before. Milliseconds. */
  after: upTo(90_000),
  /** What is asked for, and what is used of it in the end. */
  amount: upTo(3_000),
  actual: upTo(3_000),
  /** How many steps later that is known. */
  open: upTo(3)
})
const limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))

interface Given {
  readonly at: number
  readonly amount: number
}

/** Asks for what each step asks, and takes it where there is no wait. */
const run = (most: number, steps: ReadonlyArray<typeof Step.Type>) => {
  const bucket = new TokenBucket(most, 0)
  const given: Array<Given> = []
  let now = 0
  for (const { after, amount } of steps) {
    now += after
    if (bucket.wait(amount, now) > 0) continue
    bucket.take(amount, now)
    given.push({ at: now, amount })
  }
  return { bucket, given, now }
}

describe("TokenBucket", () => {
  it.prop(
    "gives in any stretch of time what it holds, what is refilled meanwhile, and one overdraft at most",
    [limit, Schema.Array(Step)],
    ([most, steps]) => {
      const { given } = run(most, steps)
      for (const [from, first] of given.entries()) {
        let sum = 0
        for (const { amount, at } of given.slice(from)) {
          assert.isAtMost(sum, most + (most * (at - first.at)) / 60_000 + 1e-3)
          sum += amount
        }
      }
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "lets everybody have a turn: whoever waits as long as told gets it, however much that is",
    [limit, Schema.Array(Step), upTo(5_000)],
    ([most, steps, amount]) => {
      const { bucket, now } = run(most, steps)
      const wait = bucket.wait(amount, now)
      if (wait > 1) assert.isAbove(bucket.wait(amount, now + wait - 2), 0)
      assert.strictEqual(bucket.wait(amount, now + wait), 0)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "loses nothing: what was taken and not used is there again, what was used beyond is owed",
    [limit, Schema.Array(Step)],
    ([most, steps]) => {
      const settled = new TokenBucket(most, 0)
      const known = new TokenBucket(most, 0)
      for (const { actual, amount } of steps) {
        settled.take(amount, 0)
        settled.settle(amount, actual, 0)
        known.take(actual, 0)
        assert.closeTo(settled.level(0), known.level(0), 1e-6)
      }
      const used = steps.reduce((sum, { actual }) => sum + actual, 0)
      assert.closeTo(settled.level(0), most - used, 1e-6)
      assert.strictEqual(settled.wait(1, settled.untilFull(0)), 0)
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "holds no more than its limit, whatever is settled when",
    [limit, Schema.Array(Step)],
    ([most, steps]) => {
      const bucket = new TokenBucket(most, 0)
      const open: Array<typeof Step.Type & { left: number }> = []
      let now = 0
      for (const step of steps) {
        now += step.after
        bucket.take(step.amount, now)
        open.push({ ...step, left: step.open })
        for (const one of open) if (one.left-- === 0) bucket.settle(one.amount, one.actual, now)
        assert.isAtMost(bucket.level(now), most)
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("gives more than it holds from a full bucket alone, and waits off the debt", () => {
    const bucket = new TokenBucket(60, 0)
    bucket.take(1, 0)
    assert.strictEqual(bucket.wait(200, 0), 1_000)
    bucket.take(200, 1_000)
    assert.strictEqual(bucket.level(1_000), -140)
    assert.strictEqual(bucket.wait(1, 1_000), 141_000)
    assert.strictEqual(bucket.untilFull(1_000), 200_000)
  })

  it("has more at once when its limit grows, and no more than its limit when that shrinks", () => {
    const bucket = new TokenBucket(10, 0)
    bucket.take(10, 0)
    bucket.resize(30, 0)
    assert.deepStrictEqual([bucket.limit, bucket.level(0)], [30, 20])
    bucket.resize(5, 0)
    assert.strictEqual(bucket.level(0), 5)
    bucket.take(8, 0)
    bucket.resize(2, 0)
    assert.strictEqual(bucket.level(0), -3)
  })

  it("refills nothing while time runs backwards", () => {
    const bucket = new TokenBucket(60, 10_000)
    bucket.take(60, 10_000)
    assert.strictEqual(bucket.level(0), 0)
    assert.strictEqual(bucket.level(11_000), 1)
  })
})
