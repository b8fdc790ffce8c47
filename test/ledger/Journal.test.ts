import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Journal from "../../src/ledger/Journal.ts"
import { nothingUsed, RecordedUsage, RequestIntent, RequestRecord } from "../../src/message/RequestRecord.ts"
import { intent, record } from "./Records.ts"

const lines = (text: string) => text.split("\n").filter((line) => line !== "")
/** JSON knows no negative zero. */
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const used = (output: number) => ({ ...nothingUsed, output_tokens: output })

describe("Journal", () => {
  it.prop(
    "gives back every record as it was written, whatever stands in it",
    [Arbitrary.array(Arbitrary.schema(RequestRecord), { maxLength: 5 })],
    ([drawn]) => {
      const records = drawn.map((one, n) => ({ ...one, id: `req_${n}` }))
      const text = records.map((one) => Journal.opened(one) + Journal.settled(one)).join("")
      assert.strictEqual(lines(text).length, 2 * records.length)
      assert.deepStrictEqual(Journal.replay(lines(text)), written({ records, unread: 0 }))
    }
  )

  it.prop(
    "takes what was opened and not settled as abandoned, with the usage that was last known",
    [Arbitrary.schema(RequestIntent), Arbitrary.array(Arbitrary.schema(RecordedUsage), { maxLength: 4 })],
    ([drawn, usages]) => {
      const text = [Journal.opened(drawn), ...usages.map((usage) => Journal.used(drawn.id, usage))].join("")
      const [found, ...others] = Journal.replay(lines(text)).records
      assert.deepStrictEqual(others, [])
      assert.strictEqual(found?.outcome, "abandoned")
      assert.deepStrictEqual(found?.usage, written(usages.at(-1) ?? nothingUsed))
      assert.deepStrictEqual([found?.id, found?.time, found?.model], written([drawn.id, drawn.time, drawn.model]))
    }
  )

  it("counts a line that was cut off, wherever, and keeps all others", () => {
    const whole = Journal.opened(intent("req_1")) + Journal.used("req_1", used(3))
    const last = Journal.settled(record("req_1"))
    for (let length = 1; length < last.length - 1; length += 17) {
      const { records, unread } = Journal.replay(lines(whole + last.slice(0, length)))
      assert.strictEqual(unread, 1)
      assert.deepStrictEqual(
        records.map(({ outcome, usage }) => [outcome, usage.output_tokens]),
        [["abandoned", 3]]
      )
    }
  })

  it("knows of no usage of a request that it has not seen opened", () => {
    assert.deepStrictEqual(Journal.replay(lines(Journal.used("req_9", used(1)))), { records: [], unread: 0 })
  })
})
