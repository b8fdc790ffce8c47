/** Batches, as the SDK handles them. */
import { type Anthropic, BadRequestError, NotFoundError } from "@anthropic-ai/sdk"
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { clientOf, model, rejected, test } from "./Sdk.ts"

const request = (custom_id: string, content: string, more: object = {}) => ({
  custom_id,
  params: { model, max_tokens: 100, messages: [{ role: "user" as const, content }], ...more }
})

const resultsOf = async (sdk: Anthropic, id: string) => {
  const lines: Array<Anthropic.Messages.MessageBatchIndividualResponse> = []
  for await (const line of await sdk.messages.batches.results(id)) lines.push(line)
  return lines
}

describe("a batch", () => {
  test(
    "has ended when it was made, with a result for each request",
    {
      rules: [{ match: "fail", fail: "overloaded" }]
    },
    async (sdk) => {
      const made = await sdk.messages.batches.create({
        requests: [request("a", "one"), request("b", "fail"), request("c", "x", { max_tokens: 0 })]
      })
      assert.strictEqual(made.processing_status, "in_progress")
      assert.isNull(made.results_url)
      const batch = await sdk.messages.batches.retrieve(made.id)
      assert.strictEqual(batch.processing_status, "ended")
      assert.deepStrictEqual(
        { ...batch.request_counts },
        { processing: 0, succeeded: 1, errored: 2, canceled: 0, expired: 0 }
      )
      const [first, second, third] = await resultsOf(sdk, batch.id)
      assert(
        first?.result.type === "succeeded" && second?.result.type === "errored" && third?.result.type === "errored"
      )
      assert.deepInclude(first.result.message.content[0], { type: "text", text: "You said: one" })
      assert.strictEqual(first.result.message.usage.service_tier, "batch")
      assert.strictEqual(second.result.error.error.type, "overloaded_error")
      assert.match(third.result.error.error.message, /^max_tokens/)
      assert.strictEqual((await sdk.messages.batches.delete(batch.id)).type, "message_batch_deleted")
      assert.instanceOf(await rejected(sdk.messages.batches.retrieve(batch.id)), NotFoundError)
    }
  )

  test("ends on command, or is canceled before", { batches: "on_command" }, async (sdk, server) => {
    const made = await sdk.messages.batches.create({ requests: [request("a", "one")] })
    assert.strictEqual((await sdk.messages.batches.retrieve(made.id)).request_counts.processing, 1)
    assert.instanceOf(await rejected(sdk.messages.batches.delete(made.id)), BadRequestError)
    assert.isDefined(await rejected(resultsOf(sdk, made.id)))
    const other = await sdk.messages.batches.create({ requests: [request("a", "two")] })
    assert.strictEqual((await sdk.messages.batches.cancel(other.id)).processing_status, "canceling")
    await Effect.runPromise(server.endBatches)
    assert.strictEqual((await resultsOf(sdk, made.id))[0]?.result.type, "succeeded")
    assert.strictEqual((await resultsOf(sdk, other.id))[0]?.result.type, "canceled")
    assert.instanceOf(await rejected(sdk.messages.batches.cancel(made.id)), BadRequestError)
  })

  test("belongs to the account that made it", {}, async (sdk, server) => {
    const { id } = await sdk.messages.batches.create({ requests: [request("a", "one")] })
    const other = clientOf(server, { apiKey: "key-2" }).messages.batches
    const refusals = [other.retrieve(id), other.cancel(id), other.delete(id), other.results(id)].map(rejected)
    for (const error of await Promise.all(refusals)) assert.instanceOf(error, NotFoundError)
    assert.deepStrictEqual((await other.list()).data, [])
    const ids: Array<string> = []
    const more = await sdk.messages.batches.create({ requests: [request("a", "two")] })
    for await (const batch of sdk.messages.batches.list({ limit: 1 })) ids.push(batch.id)
    assert.deepStrictEqual(ids, [more.id, id])
  })

  test("is refused where its requests are none", {}, async (sdk) => {
    const create = (requests: ReadonlyArray<ReturnType<typeof request>>) =>
      rejected(sdk.messages.batches.create({ requests: [...requests] }))
    const refused = async (requests: ReadonlyArray<ReturnType<typeof request>>, message: RegExp) => {
      const error = await create(requests)
      assert(error instanceof BadRequestError)
      assert.match(error.apiMessage ?? "", message)
    }
    await refused([], /^requests: List should have at least 1 item/)
    await refused([request("a", "x"), request("a", "y")], /^requests: custom_id must be unique/)
    await refused([request("a b", "x")], /^requests.0.custom_id: String should match pattern/)
  })
})
