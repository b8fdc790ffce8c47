/** What lives at an account of Anthropic's API, over real sockets: requests that go on with it go to that account. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ServerResponse } from "node:http"
import { CredentialId } from "../../src/message/Ids.ts"
import { anthropic } from "../storage/StoreCases.ts"
import { makeStandIn, sendError, sendMessage, type StandInCall, upstreamAt } from "../support/AnthropicStandIn.ts"
import { ask, at, saying } from "../support/Ask.ts"
import { makeRig } from "../support/Rig.ts"

type Answering = (call: StandInCall, response: ServerResponse, n: number) => void

/** Each answer is named after the account that gives it. */
const named: Answering = (call, response, n) => sendMessage(response, call, { id: `msg_${call.account}_${n}` })

/** A gateway with two accounts, `a` before `b`. */
const makeTwo = Effect.fnUntraced(function* (answering: Answering = named, config = {}) {
  const upstream = yield* makeStandIn(answering)
  const rig = yield* makeRig({
    credentials: [anthropic("a"), anthropic("b", { priority: 1 })],
    config: { ...upstreamAt(upstream.url), ...config }
  })
  const messages = (body: unknown) => ask(rig, "/v1/messages", { body })
  return { rig, messages, asked: () => upstream.calls.map(({ account }) => account), calls: upstream.calls }
})

const b = CredentialId.make("b")
const create = { thread: { type: "create" } }
const goOn = (id: string) => ({ thread: { type: "continue", previous_message_id: id } })

describe("a thread", () => {
  for (const stream of [true, false]) {
    it.live(`belongs to the account that answered, and goes on there${stream ? ", streamed" : ""}`, () =>
      Effect.gen(function* () {
        const { asked, messages, rig } = yield* makeTwo()
        assert.strictEqual((yield* messages(saying("Hi", { ...create, stream }))).status, 200)
        assert.strictEqual(yield* rig.pins.find("msg_a_1"), "a")
        yield* rig.pins.save([{ kind: "thread", id: "msg_of_b" }], b, 0)
        const continued = yield* messages(saying("More", { ...goOn("msg_of_b"), stream }))
        assert.strictEqual(continued.status, 200)
        assert.strictEqual(yield* rig.pins.find("msg_b_2"), "b")
        yield* messages(saying("Still more", { ...goOn("msg_b_2"), stream }))
        yield* messages(saying("Unlike that", { ...goOn("msg_a_1"), stream }))
        assert.deepStrictEqual(asked(), ["a", "b", "b", "a"])
      })
    )
  }

  it.live("is begun by no request that does not ask for one", () =>
    Effect.gen(function* () {
      const { messages, rig } = yield* makeTwo()
      yield* messages(saying("Hi"))
      yield* messages(saying("Hi", { thread: null }))
      assert.deepStrictEqual([yield* rig.pins.find("msg_a_1"), yield* rig.pins.find("msg_a_2")], [null, null])
    })
  )

  it.live("that is not known, or whose account is gone, is answered as SDKs recover from", () =>
    Effect.gen(function* () {
      const { asked, messages, rig } = yield* makeTwo()
      yield* rig.pins.save([{ kind: "thread", id: "msg_of_gone" }], CredentialId.make("gone"), 0)
      for (const id of ["msg_unknown", "msg_of_gone"]) {
        const answer = yield* messages(saying("Hi", { ...goOn(id), stream: true }))
        assert.strictEqual(answer.status, 404, id)
        assert.strictEqual(at(answer.json, "error", "type"), "not_found_error")
        assert.strictEqual(at(answer.json, "error", "details", "error_code"), "thread_not_found")
      }
      assert.deepStrictEqual(asked(), [])
    })
  )

  it.live("that its account does not know is told of in the upstream's words", () =>
    Effect.gen(function* () {
      const details = { error_code: "thread_not_found", hint: "replay" }
      const { asked, messages, rig } = yield* makeTwo((_, response) =>
        sendError(response, 404, "not_found_error", { details })
      )
      yield* rig.pins.save([{ kind: "thread", id: "msg_of_b" }], b, 0)
      const answer = yield* messages(saying("Hi", goOn("msg_of_b")))
      assert.strictEqual(answer.status, 404)
      assert.deepStrictEqual(at(answer.json, "error", "details"), details)
      assert.deepStrictEqual(asked(), ["b"])
    })
  )

  for (const [status, type, told] of [
    [429, "rate_limit_error", 429],
    // Only a person can mend that: the client begins anew.
    [401, "authentication_error", 404],
    [500, "api_error", 502]
  ] as const) {
    it.live(`is tried at no other account, whatever its own says: ${status}`, () =>
      Effect.gen(function* () {
        const config = { retry: { maxAttempts: 2 } }
        const { asked, messages, rig } = yield* makeTwo((_, response) => sendError(response, status, type), config)
        yield* rig.pins.save([{ kind: "thread", id: "msg_of_b" }], b, 0)
        assert.strictEqual((yield* messages(saying("Hi", goOn("msg_of_b")))).status, told)
        assert.isNotEmpty(asked())
        assert.notInclude(asked(), "a")
      })
    )
  }

  it.live("keeps the system prompt that it began with", () =>
    Effect.gen(function* () {
      const { calls, messages } = yield* makeTwo(named, { systemPrompt: { prepend: "Be brief." } })
      yield* messages(saying("Hi", create))
      yield* messages(saying("More", goOn("msg_a_1")))
      const systems = calls.map(({ body }) => at(JSON.parse(body.toString("utf8")), "system", 0, "text"))
      assert.deepStrictEqual(systems, ["Be brief.", undefined])
    })
  )
})

describe("files and containers", () => {
  it.live("lead to the account where they are; those that are not known lead nowhere", () =>
    Effect.gen(function* () {
      const { asked, messages, rig } = yield* makeTwo()
      yield* rig.pins.save([{ kind: "file", id: "file_b" }], b, 0)
      yield* rig.pins.save([{ kind: "container", id: "container_b" }], b, 0)
      const image = (file_id: string) => ({ type: "image", source: { type: "file", file_id } })
      const nested = { type: "tool_result", tool_use_id: "t", content: [image("file_unknown"), image("file_b")] }
      for (const body of [
        saying([image("file_b")]),
        saying([nested]),
        saying([{ type: "container_upload", file_id: "file_b" }]),
        saying("Hi", { container: "container_b" }),
        saying("Hi", { container: { id: "container_b", skills: [] } }),
        saying([image("file_unknown")]),
        saying("Hi", { container: { id: "container_unknown" } })
      ]) {
        assert.strictEqual((yield* messages(body)).status, 200)
      }
      assert.deepStrictEqual(asked(), ["b", "b", "b", "b", "b", "a", "a"])
    })
  )

  it.live("that are gone with their account are not found", () =>
    Effect.gen(function* () {
      const { asked, messages, rig } = yield* makeTwo()
      yield* rig.pins.save([{ kind: "file", id: "file_gone" }], CredentialId.make("gone"), 0)
      const answer = yield* messages(saying([{ type: "container_upload", file_id: "file_gone" }]))
      assert.strictEqual(answer.status, 404)
      assert.strictEqual(at(answer.json, "error", "type"), "not_found_error")
      assert.deepStrictEqual(asked(), [])
    })
  )

  for (const stream of [true, false]) {
    it.live(`that an answer tells of belong to whom it is from${stream ? ", streamed" : ""}`, () =>
      Effect.gen(function* () {
        const output = [{ type: "bash_code_execution_output", file_id: "file_made" }]
        const result = {
          type: "bash_code_execution_tool_result",
          tool_use_id: "t",
          content: { type: "r", content: output }
        }
        const { messages, rig } = yield* makeTwo((call, response) =>
          sendMessage(response, call, {
            id: "msg_1",
            content: [result],
            container: { id: "container_1", expires_at: "" }
          })
        )
        assert.strictEqual((yield* messages(saying("Run it", { stream }))).status, 200)
        const owners = yield* Effect.forEach(["container_1", "file_made", "msg_1"], (id) => rig.pins.find(id))
        assert.deepStrictEqual(owners, ["a", "a", null])
      })
    )
  }
})
