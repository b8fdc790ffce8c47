import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Schema } from "effect"
import { FiniteDuration, formatDuration } from "../../src/config/FiniteDuration.ts"

const decode = Schema.decodeUnknownOption(FiniteDuration)
const millis = (text: string) => Option.getOrUndefined(Option.map(decode(text), Duration.toMillis))

const tenYears = 3650 * 86_400_000
const units = ["nano", "micro", "milli", "second", "minute", "hour", "day"] as const

describe("FiniteDuration", () => {
  it("reads what an operator writes, fractions included", () => {
    assert.strictEqual(millis("30 seconds"), 30_000)
    assert.strictEqual(millis("1 hour"), 3_600_000)
    assert.strictEqual(millis("1.5 minutes"), 90_000)
    assert.strictEqual(millis("2 weeks"), 14 * 86_400_000)
    assert.strictEqual(millis("0 seconds"), 0)
    assert.strictEqual(millis("250 millis"), 250)
    assert.strictEqual(millis("3650 days"), tenYears)
  })

  it("refuses what is not finite, negative, without a unit, or over ten years", () => {
    const odd = [
      "Infinity",
      "-1 seconds",
      "30",
      "30s",
      "seconds",
      "1e3 seconds",
      "3651 days",
      "999999999999999 weeks",
      ""
    ]
    for (const text of odd) assert.isTrue(Option.isNone(decode(text)), text)
    assert.isTrue(Option.isNone(decode(30)))
  })

  it("writes the largest unit that holds it without a remainder", () => {
    assert.strictEqual(formatDuration(Duration.seconds(90)), "90 seconds")
    assert.strictEqual(formatDuration(Duration.minutes(60)), "1 hour")
    assert.strictEqual(formatDuration(Duration.zero), "0 seconds")
    assert.strictEqual(formatDuration(Duration.nanos(1n)), "1 nano")
  })

  it.prop(
    "reads again what it wrote of any duration",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: tenYears - 1 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999 }))
    ],
    ([millis, rest]) => {
      const nanos = BigInt(millis) * 1_000_000n + BigInt(rest)
      const text = formatDuration(Duration.nanos(nanos))
      assert.strictEqual(Option.getOrUndefined(Option.flatMap(decode(text), Duration.toNanos)), nanos)
    }
  )

  it.prop(
    "writes what it read so that writing it again changes nothing",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3650 })), Schema.Literals(units)],
    ([count, unit]) => {
      const written = Schema.encodeSync(FiniteDuration)(Schema.decodeSync(FiniteDuration)(`${count} ${unit}s`))
      assert.strictEqual(Schema.encodeSync(FiniteDuration)(Schema.decodeSync(FiniteDuration)(written)), written)
    }
  )
})
