/** The messages API over real sockets, in front of a simulated Kiro. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { request as rawRequest } from "node:http"
import { ask, type Answered, at, eventsOf, saying, scripted } from "../support/Ask.ts"
import { apiKey, clientKey, makeRig, type Rig } from "../support/Rig.ts"

const errorOf = ({ json, status }: Answered) => [status, at(json, "error", "type")]
const messages = (rig: Rig, body: unknown, headers: Record<string, string> = {}) =>
  ask(rig, "/v1/messages", { body, headers })

/** Asks until it holds; for what another process's socket tells a moment later. */
const eventually = (holds: Effect.Effect<boolean>) =>
  holds.pipe(
    Effect.filterOrFail(
      (is) => is,
      () => "not yet"
    ),
    Effect.retry(Schedule.spaced("5 millis").pipe(Schedule.upTo({ duration: "1 second" })))
  )

const outstanding = (rig: Rig) => Effect.map(rig.pool.snapshot, (snapshot) => snapshot.outstanding)

describe("POST /v1/messages", () => {
  it.live("streams an answer in Anthropic's events, with the upstream's usage", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const answer = yield* messages(rig, scripted([{ text: "Hello there", chunk: 5 }], { stream: true }))
      assert.strictEqual(answer.status, 200)
      assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/)
      assert.match(answer.headers.get("request-id") ?? "", /^req_\w{24}$/)
      assert.strictEqual(answer.headers.get("weir-upstream"), "kiro")
      assert.strictEqual(answer.headers.get("weir-attempts"), "1")
      assert.match(
        answer.headers.get("server-timing") ?? "",
        /^queue;dur=\d+, upstreamHeader;dur=\d+, firstEvent;dur=\d+$/
      )
      const events = eventsOf(answer.text)
      assert.deepStrictEqual(
        events.map(({ event }) => event),
        [
          "message_start",
          "content_block_start",
          "content_block_delta",
          "content_block_delta",
          "content_block_delta",
          "content_block_stop",
          "message_delta",
          "message_stop"
        ]
      )
      for (const { data, event } of events) assert.strictEqual(at(data, "type"), event)
      const usage = at(events.at(-2)?.data, "usage")
      assert.strictEqual(at(usage, "weir", "source"), "upstream")
      assert.isAbove(Number(at(usage, "input_tokens")), 0)
      assert.strictEqual(at(events.at(-2)?.data, "delta", "stop_reason"), "end_turn")
    })
  )

  it.live("answers whole, saying the same as the stream", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const steps = [{ thinking: "Hm." }, { text: "Look:" }, { tool: "get", input: { a: [1] } }]
      const more = {
        thinking: { type: "enabled", budget_tokens: 1024 },
        tools: [{ name: "get", input_schema: { type: "object" } }]
      }
      const answer = yield* messages(rig, scripted(steps, more))
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("weir-usage-source"), "upstream")
      const [thinking, text, tool] = Array.from({ length: 3 }, (_, index) => at(answer.json, "content", index))
      assert.deepStrictEqual([at(thinking, "type"), at(thinking, "thinking")], ["thinking", "Hm."])
      assert.isNotEmpty(at(thinking, "signature"))
      assert.deepStrictEqual(text, { type: "text", text: "Look:" })
      assert.deepStrictEqual([at(tool, "name"), at(tool, "input")], ["get", { a: [1] }])
      assert.strictEqual(at(answer.json, "stop_reason"), "tool_use")
      assert.strictEqual(at(answer.json, "model"), "claude-sonnet-4-5")
    })
  )

  it.live("takes the key in either header, or in both, and never passes it on", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const ways: ReadonlyArray<Record<string, string>> = [
        { "x-api-key": clientKey },
        { "x-api-key": "", authorization: `Bearer ${clientKey}` },
        { "x-api-key": "wrong", authorization: `Bearer ${clientKey}` }
      ]
      for (const headers of ways) assert.strictEqual((yield* messages(rig, saying("Hi"), headers)).status, 200)
      for (const headers of [{ "x-api-key": "wrong" }, { "x-api-key": "" }]) {
        const refused = yield* messages(rig, saying("Hi"), headers)
        assert.deepStrictEqual(errorOf(refused), [401, "authentication_error"])
        assert.strictEqual(at(refused.json, "request_id"), refused.headers.get("request-id"))
      }
      assert.notInclude(JSON.stringify(yield* rig.simulator.requests), clientKey)
    })
  )

  it.live("refuses what is no request, naming where, and nothing reaches the upstream", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ config: { server: { maxBody: "1 KiB" } } })
      const cases: ReadonlyArray<readonly [body: unknown, status: number, message: RegExp]> = [
        ["{", 400, /line 1, column 2/],
        ["", 400, /empty/],
        ["[]", 400, /the body/],
        [saying("Hi", { max_tokens: -1 }), 400, /^max_tokens/],
        [saying([{ type: "text" }]), 400, /^messages\.0\.content\.0\.text/],
        [
          saying([{ type: "image", source: { type: "url", url: "https://example.com" } }]),
          400,
          /messages\.0\.content\.0\.source/
        ],
        [saying("x".repeat(2000)), 413, /1 KiB/]
      ]
      for (const [body, status, message] of cases) {
        const answer = yield* ask(rig, "/v1/messages", { method: "POST", body: body === "" ? undefined : body })
        assert.strictEqual(answer.status, status, answer.text)
        assert.match(String(at(answer.json, "error", "message")), message)
      }
      const encoded = yield* messages(rig, saying("Hi"), { "content-encoding": "gzip" })
      assert.strictEqual(encoded.status, 415)
      assert.deepStrictEqual(
        (yield* rig.simulator.requests).filter(({ operation }) => operation === "generate"),
        []
      )
    })
  )

  it.live("refuses JSON nested deeper than anyone means it, and goes on serving", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
      const body = JSON.stringify(saying([{ type: "tool_use", id: "t", name: "n", input: "DEEP" }])).replace(
        '"DEEP"',
        deep
      )
      assert.deepStrictEqual(errorOf(yield* messages(rig, body)), [400, "invalid_request_error"])
      assert.strictEqual((yield* messages(rig, saying("Hi"))).status, 200)
    })
  )

  it.live("moves on to the next credential before anything reached the client", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: { rules: [{ credential: "ksk_1", fail: "rate_limit" }] },
        credentials: [apiKey("ksk_1"), apiKey("ksk_2", { priority: 1 })]
      })
      const answer = yield* messages(rig, saying("Hi"))
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("weir-attempts"), "2")
      const again = yield* messages(rig, saying("Hi"))
      assert.strictEqual(again.headers.get("weir-attempts"), "1", "the first one rests")
    })
  )

  it.live("says when to come again where every credential is over its limit", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: { rules: [{ steps: [{ fail: "rate_limit", retryAfter: 90 }] }] } })
      for (const attempts of [1, 0]) {
        const answer = yield* messages(rig, saying("Hi"))
        assert.deepStrictEqual(errorOf(answer), [429, "rate_limit_error"], `after ${attempts} attempts`)
        const seconds = Number(answer.headers.get("retry-after"))
        assert.isAtMost(seconds, 90)
        assert.isAtLeast(seconds, 88)
      }
      assert.lengthOf(
        (yield* rig.simulator.requests).filter(({ operation }) => operation === "generate"),
        1
      )
    })
  )

  it.live("says on an error how often which upstream was tried", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: { rules: [{ fail: "bearer_invalid" }] },
        credentials: [apiKey("ksk_1"), apiKey("ksk_2")]
      })
      for (const stream of [true, false]) {
        const answer = yield* messages(rig, saying("Hi", { stream }))
        assert.isAtLeast(answer.status, 400)
        assert.deepStrictEqual(
          [answer.headers.get("weir-upstream"), answer.headers.get("weir-attempts")],
          ["kiro", "2"]
        )
      }
    })
  )

  it.live("tries a pool of one again after a 500, and does not park it", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: { rules: [{ fail: "internal", failFirst: 1 }] } })
      const answer = yield* messages(rig, saying("Hi"))
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("weir-attempts"), "2")
      assert.strictEqual((yield* rig.pool.snapshot).available, 1)
    })
  )

  it.live("ends a stream that failed with one error event and no message_stop", () =>
    Effect.gen(function* () {
      const endings: ReadonlyArray<unknown> = [
        { cut: true },
        { truncate: true },
        { corrupt: "payload" },
        { exception: "ThrottlingException", message: "Slow down" },
        { error: "InternalFailure" },
        { invalidState: "lost" }
      ]
      for (const ending of endings) {
        const rig = yield* makeRig({ config: { cooldown: { enabled: false } } })
        const answer = yield* messages(rig, scripted([{ text: "Hello" }, { delay: 1 }, ending], { stream: true }))
        const events = eventsOf(answer.text).map(({ event }) => event)
        assert.strictEqual(events.at(-1), "error", JSON.stringify(ending))
        assert.notInclude(events, "message_stop", JSON.stringify(ending))
        const whole = yield* messages(rig, scripted([{ text: "Hello" }, { delay: 1 }, ending]))
        assert.isAtLeast(whole.status, 400, JSON.stringify(ending))
        assert.strictEqual(at(whole.json, "type"), "error")
        assert.strictEqual(yield* outstanding(rig), 0)
      }
    })
  )

  it.live("stops at a stop sequence and gives the upstream up", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const steps = [{ text: "one two STOP three" }, { stall: true }]
      const answer = yield* messages(rig, scripted(steps, { stop_sequences: ["STOP"] }))
      assert.deepStrictEqual(at(answer.json, "content", 0), { type: "text", text: "one two " })
      assert.deepStrictEqual(
        [at(answer.json, "stop_reason"), at(answer.json, "stop_sequence")],
        ["stop_sequence", "STOP"]
      )
      yield* eventually(Effect.map(rig.simulator.openStreams, (open) => open === 0))
    })
  )

  it.live("holds events back under /cc/v1 until message_start can tell the final usage", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const answer = yield* ask(rig, "/cc/v1/messages", { body: saying("Hi", { stream: true }) })
      const events = eventsOf(answer.text)
      assert.deepStrictEqual(at(events[0]?.data, "message", "usage"), at(events.at(-2)?.data, "usage"))
      assert.strictEqual(at(events[0]?.data, "message", "usage", "weir", "source"), "upstream")
    })
  )

  it.live("gives permit and upstream back within a second when the client goes away", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      for (const steps of [[{ text: "Hello" }, { stall: true }], [{ stall: true }]]) {
        const body = JSON.stringify(scripted(steps, { stream: true }))
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* openAndLeave(rig, body)
            yield* eventually(Effect.map(rig.simulator.openStreams, (open) => open === 1))
            assert.strictEqual(yield* outstanding(rig), 1)
          })
        )
        yield* eventually(Effect.map(rig.simulator.openStreams, (open) => open === 0))
        yield* eventually(Effect.map(outstanding(rig), (count) => count === 0))
      }
    })
  )

  it.live("gives up a body that does not arrive in time", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ config: { server: { bodyTimeout: "50 millis" } } })
      const status = yield* Effect.callback<number | undefined>((done) => {
        const request = rawRequest(`${rig.url}/v1/messages`, {
          method: "POST",
          headers: { "x-api-key": clientKey, "content-length": "100" }
        })
        request.on("response", (response) => {
          response.resume()
          done(Effect.succeed(response.statusCode))
        })
        request.on("error", () => done(Effect.succeed(undefined)))
        request.write("{")
        return Effect.sync(() => request.destroy())
      })
      assert.strictEqual(status, 408)
    })
  )

  it.live("answers thread: continue with the error from which SDKs recover", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const created = yield* messages(rig, saying("Hi", { thread: { type: "create" } }))
      assert.strictEqual(created.status, 200)
      const continued = yield* messages(
        rig,
        saying("Hi", { thread: { type: "continue", previous_message_id: "msg_1" } })
      )
      assert.deepStrictEqual(errorOf(continued), [404, "not_found_error"])
      assert.strictEqual(at(continued.json, "error", "details", "error_code"), "thread_not_found")
    })
  )
})

/** A stream that is being read and is cut when the scope closes. */
const openAndLeave = (rig: Rig, body: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const headers = { "x-api-key": clientKey, "content-type": "application/json" }
      const request = rawRequest(`${rig.url}/v1/messages`, { method: "POST", headers })
      request.on("response", (response) => response.on("error", () => {}).resume()).on("error", () => {})
      request.end(body)
      return request
    }),
    (request) => Effect.sync(() => request.destroy())
  )
