import { assert, describe, it } from "@effect/vitest"
import { idsOf, jsonOf, withOwnResults } from "../../src/exchange/AccountAnswer.ts"
import { methodOf, pathOf } from "../../src/exchange/AccountAction.ts"

const there = "https://api.test/v1/messages/batches/msgbatch_1/results"
const here = "http://gateway.test/v1/messages/batches/msgbatch_1/results"

describe("AccountAnswer", () => {
  it("names the one thing that is described, or each of a list", () => {
    assert.deepStrictEqual(idsOf({ id: "file_1", type: "file" }), ["file_1"])
    assert.deepStrictEqual(idsOf({ data: [{ id: "a" }, { id: 7 }, null, { id: "b" }], has_more: false }), ["a", "b"])
    assert.deepStrictEqual(idsOf("nothing"), [])
    assert.isNull(jsonOf(new TextEncoder().encode("no JSON")))
  })

  it("sends clients to this gateway for results, and changes nothing else", () => {
    const batch = { id: "msgbatch_1", request_counts: { succeeded: 1 }, results_url: there, archived_at: null }
    const own = { ...batch, results_url: here }
    assert.strictEqual(withOwnResults(batch, "http://gateway.test"), JSON.stringify(own))
    const list = { data: [batch, { id: "msgbatch_2", results_url: null }], has_more: true }
    assert.strictEqual(
      withOwnResults(list, "http://gateway.test"),
      JSON.stringify({ ...list, data: [own, { id: "msgbatch_2", results_url: null }] })
    )
    assert.strictEqual(
      withOwnResults({ id: "a/b", results_url: there }, ""),
      '{"id":"a/b","results_url":"/v1/messages/batches/a%2Fb/results"}'
    )
  })

  it("leaves what has no results as it is", () => {
    for (const value of [null, 1, [], { id: "msgbatch_1", results_url: null }, { data: [] }]) {
      assert.isNull(withOwnResults(value, "http://gateway.test"))
    }
  })
})

describe("AccountAction", () => {
  it("leaves no folder, whatever an id says", () => {
    assert.strictEqual(pathOf({ kind: "file", does: "fetch", id: "../x?y" }), "/v1/files/..%2Fx%3Fy/content")
    assert.strictEqual(methodOf({ kind: "file", does: "fetch", id: "x" }), "GET")
  })
})
