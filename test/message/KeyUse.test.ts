import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { boundsOf, dayOf, KeyUse, timeOf } from "../../src/message/KeyUse.ts"

const at = (text: string) => Date.parse(text)
const Times = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 })))

describe("boundsOf", () => {
  it("are those of UTC's calendar", () => {
    const cases = [
      ["day", "2028-02-29T23:59:59.999Z", "2028-02-29", "2028-03-01"],
      ["day", "2028-03-01T00:00:00Z", "2028-03-01", "2028-03-02"],
      ["month", "2028-02-29T23:59:59.999Z", "2028-02-01", "2028-03-01"],
      ["month", "2027-12-31T12:00:00Z", "2027-12-01", "2028-01-01"],
      ["month", "2028-01-01T00:00:00Z", "2028-01-01", "2028-02-01"]
    ] as const
    for (const [per, time, start, end] of cases)
      assert.deepStrictEqual(boundsOf(per, at(time)), { start: at(start), end: at(end) }, `${per} ${time}`)
  })

  it.prop("hold the time that they are asked for, and begin with a day", [Times], ([times]) => {
    for (const time of times) {
      for (const per of ["day", "month"] as const) {
        const { end, start } = boundsOf(per, time)
        assert.isTrue(start <= time && time < end)
        assert.strictEqual(timeOf(dayOf(start)), start)
        assert.strictEqual(boundsOf(per, end).start, end)
      }
    }
  })
})

describe("KeyUse", () => {
  it("begins anew with each period, and counts a request where it came", () => {
    const use = new KeyUse()
    const one = { tokens: 10, credits: 0.5 }
    const none = { tokens: 0, credits: 0 }
    use.add(at("2028-01-30T10:00:00Z"), one)
    use.add(at("2028-01-31T10:00:00Z"), one)
    assert.deepStrictEqual(use.in("day", at("2028-01-31T23:00:00Z")), one)
    assert.deepStrictEqual(use.in("month", at("2028-01-31T23:00:00Z")), { tokens: 20, credits: 1 })
    assert.deepStrictEqual(use.in("day", at("2028-02-01T00:00:00Z")), none)
    assert.deepStrictEqual(use.in("month", at("2028-02-01T00:00:00Z")), none)
    use.add(at("2028-02-01T00:00:01Z"), one)
    use.add(at("2028-01-31T23:59:59Z"), one)
    assert.deepStrictEqual(use.in("month", at("2028-02-01T00:00:02Z")), one)
    assert.strictEqual(use.lastAt, at("2028-02-01T00:00:01Z"))
  })

  it.prop("comes to the same from days as from requests", [Times], ([times]) => {
    const [requests, days] = [new KeyUse(), new KeyUse()]
    const sorted = times.toSorted((a, b) => a - b)
    const byDay = Map.groupBy(sorted, dayOf)
    for (const time of sorted) requests.add(time, { tokens: 3, credits: 1 })
    for (const [day, held] of byDay)
      days.add(timeOf(day), { tokens: 3 * held.length, credits: held.length }, held.at(-1))
    for (const time of sorted)
      for (const per of ["day", "month"] as const) assert.deepStrictEqual(days.in(per, time), requests.in(per, time))
    assert.strictEqual(days.lastAt, requests.lastAt)
  })
})
