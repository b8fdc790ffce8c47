/** Cached tokens as clients are told of them, over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, at, eventsOf, saying } from "../support/Ask.ts"
import { adminKey, apiKey, makeRig, type Rig } from "../support/Rig.ts"

const system = [{ type: "text", text: "word ".repeat(8_000), cache_control: { type: "ephemeral" } }]
/** An upstream that says nothing of its cache. */
const silent = { rules: [{ steps: [{ text: "ok" }, { contextUsageEvent: 10 }] }] }

/** The final usage of an answer, however it is asked for. */
const usageBy = {
  whole: (rig: Rig, more: object = {}) =>
    Effect.map(ask(rig, "/v1/messages", { body: saying("Hi", { system, ...more }) }), ({ json }) => at(json, "usage")),
  stream: (rig: Rig, more: object = {}) =>
    Effect.map(ask(rig, "/v1/messages", { body: saying("Hi", { system, stream: true, ...more }) }), ({ text }) =>
      at(eventsOf(text).find(({ event }) => event === "message_delta")?.data, "usage")
    ),
  held: (rig: Rig, more: object = {}) =>
    Effect.map(ask(rig, "/cc/v1/messages", { body: saying("Hi", { system, stream: true, ...more }) }), ({ text }) =>
      at(eventsOf(text).find(({ event }) => event === "message_start")?.data, "message", "usage")
    )
} as const

const numbers = (usage: unknown) =>
  ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"].map((name) => Number(at(usage, name)))

describe("where the upstream says nothing of its cache", () => {
  for (const by of ["whole", "stream", "held"] as const) {
    it.live(`the second request is told as read from the cache, and that it is an estimate: ${by}`, () =>
      Effect.gen(function* () {
        const rig = yield* makeRig({ script: silent })
        const [, written = 0, none] = numbers(yield* usageBy[by](rig))
        assert.strictEqual(none, 0)
        assert.isAbove(written, 6_000)
        const second = yield* usageBy[by](rig)
        const [input = 0, again, read] = numbers(second)
        assert.deepStrictEqual([again, read], [0, written])
        assert.strictEqual(input + written, 20_000 - Number(at(second, "output_tokens")), "ten per cent of the window")
        assert.deepStrictEqual(at(second, "weir"), { source: "derived", cacheSource: "estimated" })
      })
    )
  }

  it.live("another model, another tool_choice and another credential find nothing", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: silent,
        credentials: [apiKey("ksk_1"), apiKey("ksk_2", { priority: 1 })]
      })
      const readBy = (more: object) => Effect.map(usageBy.whole(rig, more), (usage) => numbers(usage)[2])
      yield* readBy({})
      assert.isAbove((yield* readBy({})) ?? 0, 0)
      assert.strictEqual(yield* readBy({ model: "claude-haiku-4-5" }), 0)
      assert.strictEqual(yield* readBy({ tool_choice: { type: "none" } }), 0)
      yield* Effect.orDie(rig.pool.operations.setDisabled(apiKey("ksk_1").id, true))
      assert.strictEqual(yield* readBy({}), 0)
      const stats = yield* ask(rig, "/api/admin/cache/stats", { headers: { "x-api-key": adminKey } })
      assert.isAbove(Number(at(stats.json, "lostToFailoverTokens")), 6_000)
      assert.deepStrictEqual([at(stats.json, "hits"), at(stats.json, "misses")], [1, 4])
      const cleared = yield* ask(rig, "/api/admin/cache/clear", {
        method: "POST",
        headers: { "x-api-key": adminKey }
      })
      assert.strictEqual(at(cleared.json, "entries"), 0)
    })
  )

  it.live("a fifth breakpoint is refused by name, and no upstream is asked", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const five = Array.from({ length: 5 }, () => ({ type: "text", text: "x", cache_control: { type: "ephemeral" } }))
      const refused = yield* ask(rig, "/v1/messages", { body: saying(five) })
      assert.strictEqual(refused.status, 400)
      assert.match(String(at(refused.json, "error", "message")), /^messages\.0\.content\.4\.cache_control: at most 4/)
    })
  )
})

describe("a reported share of cache reads", () => {
  const config = { cache: { reportedReadRatio: 0.9 } }

  it.live("is told with the measured figures in the same answer, and says so in a header", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: silent, config })
      for (const path of ["/v1/messages", "/cc/v1/messages"]) {
        const streamed = yield* ask(rig, path, { body: saying("Hi", { system, stream: true }) })
        assert.strictEqual(streamed.headers.get("weir-usage-policy"), "reported; ratio=0.9")
      }
      const rig2 = yield* makeRig({ script: silent, config })
      const whole = yield* ask(rig2, "/v1/messages", { body: saying("Hi", { system }) })
      assert.strictEqual(whole.headers.get("weir-usage-policy"), "reported; ratio=0.9")
      const usage = at(whole.json, "usage")
      assert.strictEqual(Number(at(usage, "weir", "measured", "cache_read_input_tokens")), 0)
      assert.isAbove(Number(at(usage, "cache_read_input_tokens")), 6_000)
      const plain = yield* ask(rig2, "/v1/messages", { body: saying("Hi") })
      assert.isNull(plain.headers.get("weir-usage-policy"))
    })
  )
})

describe("where the upstream has a cache of its own", () => {
  const generations = (rig: Rig) =>
    Effect.map(rig.simulator.requests, (requests) => requests.filter(({ operation }) => operation === "generate"))
  /** The models' limits are known soon after the start. */
  const listed = (rig: Rig) => ask(rig, "/v1/models")

  for (const by of ["whole", "stream", "held"] as const) {
    it.live(`breakpoints become cache points, and what is told is what the upstream counted: ${by}`, () =>
      Effect.gen(function* () {
        const rig = yield* makeRig()
        yield* listed(rig)
        const [, written = 0] = numbers(yield* usageBy[by](rig))
        assert.isAbove(written, 6_000)
        const second = yield* usageBy[by](rig)
        assert.deepStrictEqual(numbers(second).slice(1), [0, written])
        assert.deepStrictEqual(at(second, "weir", "cacheSource"), "upstream")
      })
    )
  }

  it.live("a conversation of thirty turns is told to the token, with another account in the middle", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ credentials: [apiKey("ksk_1"), apiKey("ksk_2", { priority: 1 })] })
      yield* listed(rig)
      const messages: Array<{ readonly role: string; readonly content: unknown }> = []
      const mark = { cache_control: { type: "ephemeral" } }
      let read = 0
      for (let turn = 0; turn < 30; turn++) {
        if (turn === 15) yield* Effect.orDie(rig.pool.operations.setDisabled(apiKey("ksk_1").id, true))
        const said = { type: "text", text: `turn ${turn} ${"word ".repeat(50)}` }
        const { json } = yield* ask(rig, "/v1/messages", {
          body: {
            model: "claude-sonnet-4-5",
            max_tokens: 500,
            system,
            messages: [...messages, { role: "user", content: [{ ...said, ...mark }] }]
          }
        })
        const [input = 0, written = 0, cached = 0] = numbers(at(json, "usage"))
        assert.strictEqual(at(json, "usage", "weir", "cacheSource"), "upstream", `turn ${turn}`)
        assert.isBelow(input, 1_000, `turn ${turn}: what is not cached is short`)
        if (turn === 0 || turn === 15) assert.strictEqual(cached, 0, `turn ${turn}: nobody has seen it here`)
        else assert.isAtLeast(cached, read, `turn ${turn}: all that was before is read`)
        read = turn === 14 ? 0 : cached + written
        messages.push({ role: "user", content: [said] })
        messages.push({ role: "assistant", content: at(json, "content") })
      }
    })
  )

  it.live("a model that refuses cache points gets none from then on, and the request goes again without them", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: {
          rules: [
            {
              times: 1,
              steps: [{ http: { status: 400, type: "ValidationException", reason: "REQUEST_BODY_INVALID" } }]
            }
          ]
        }
      })
      yield* listed(rig)
      for (let n = 0; n < 2; n++) {
        const answer = yield* ask(rig, "/v1/messages", { body: saying("Hi", { system }) })
        assert.strictEqual(answer.status, 200, answer.text)
        assert.strictEqual(answer.headers.get("weir-attempts"), "1")
      }
      const points = (yield* generations(rig)).map(({ body }) => body.includes("cachePoint"))
      assert.deepStrictEqual(points, [true, false, false])
    })
  )

  it.live("no cache points are sent where the operator wants none", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ config: { cache: { native: false } } })
      yield* listed(rig)
      yield* usageBy.whole(rig)
      assert.isFalse((yield* generations(rig)).some(({ body }) => body.includes("cachePoint")))
    })
  )
})
