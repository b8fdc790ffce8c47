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
    const list = (first: string) =>
      `{"data":[ {"id":"msgbatch_1","n":12345678901234567890,"results_url" : "${first}"},{"id":"msgbatch_2","results_url":null}],"weight":1.0}`
    assert.strictEqual(withOwnResults(list(there), "http://gateway.test"), list(here))
    assert.strictEqual(
      withOwnResults(list("https://proxy.test/to/v1/messages/batches/msgbatch_1/results"), ""),
      list("/v1/messages/batches/msgbatch_1/results")
    )
  })

  it("leaves what has no results, or only speaks of them, as it is", () => {
    for (const text of ["null", "[]", `{"results_url":null}`, JSON.stringify({ note: `"results_url":"${there}"` })]) {
      assert.strictEqual(withOwnResults(text, "http://gateway.test"), text)
    }
  })
})

describe("AccountAction", () => {
  it("leaves no folder, whatever an id says", () => {
    assert.strictEqual(pathOf({ kind: "file", does: "fetch", id: "../x?y" }), "/v1/files/..%2Fx%3Fy/content")
    assert.strictEqual(methodOf({ kind: "file", does: "fetch", id: "x" }), "GET")
  })
})
