/** Cached tokens as clients are told of them, over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, at, eventsOf, saying, type SseEvent } from "../support/Ask.ts"
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

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** What an agent goes on from, however it asks. */
const answerBy = {
  whole: (rig: Rig, members: object) =>
    Effect.map(ask(rig, "/v1/messages", { body: { ...saying(""), ...members } }), ({ json }) => ({
      content: at(json, "content"),
      usage: at(json, "usage")
    })),
  stream: (rig: Rig, members: object) => streamed(rig, "/v1/messages", members),
  held: (rig: Rig, members: object) => streamed(rig, "/cc/v1/messages", members)
} as const

const streamed = (rig: Rig, path: string, members: object) =>
  Effect.map(ask(rig, path, { body: { ...saying(""), ...members, stream: true } }), ({ text }) => {
    const events = eventsOf(text)
    const content = events.flatMap(({ data, event }) =>
      event === "content_block_start" ? [contentOf(events, at(data, "index"), at(data, "content_block"))] : []
    )
    const by = (name: string) => events.find(({ event }) => event === name)?.data
    return {
      content,
      usage: path.startsWith("/cc") ? at(by("message_start"), "message", "usage") : at(by("message_delta"), "usage")
    }
  })

/** A whole block of a stream. */
const contentOf = (events: ReadonlyArray<SseEvent>, index: unknown, block: unknown): unknown => {
  const deltas = events.filter(({ data, event }) => event === "content_block_delta" && at(data, "index") === index)
  const joined = (name: string) => deltas.map(({ data }) => String(at(data, "delta", name) ?? "")).join("")
  return at(block, "type") === "tool_use"
    ? { type: "tool_use", id: at(block, "id"), name: at(block, "name"), input: JSON.parse(joined("partial_json")) }
    : { type: "text", text: joined("text") }
}

const toolUseIn = (content: unknown): unknown =>
  at(
    listOf(content).find((block) => at(block, "type") === "tool_use"),
    "id"
  )

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

describe("where a prefix is cached", () => {
  const mark = { cache_control: { type: "ephemeral" } }
  const user = (text: string) => ({ role: "user", content: [{ type: "text", text, ...mark }] })
  const turns = (...later: ReadonlyArray<string>) => [
    user("word ".repeat(8_000)),
    ...later.flatMap((text) => [{ role: "assistant", content: "ok" }, user(text)])
  ]
  const two = [apiKey("ksk_1"), apiKey("ksk_2", { priority: 1 })]
  const servedBy = (rig: Rig, body: object) =>
    Effect.gen(function* () {
      const { headers } = yield* ask(rig, "/v1/messages", { body: { ...saying(""), ...body } })
      const path = `/api/admin/requests/${headers.get("request-id")}`
      const { json } = yield* ask(rig, path, { headers: { "x-api-key": adminKey } })
      return at(json, "attempts", 0, "credentialId")
    })
  const enable = (rig: Rig, name: string, enabled: boolean) =>
    Effect.orDie(rig.pool.operations.setDisabled(apiKey(name).id, !enabled))

  it.live("the request goes, whoever served a conversation that began alike", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: silent, credentials: two })
      assert.strictEqual(yield* servedBy(rig, { messages: turns("left") }), "ksk_1")
      yield* enable(rig, "ksk_1", false)
      assert.strictEqual(yield* servedBy(rig, { messages: turns("right") }), "ksk_2")
      yield* enable(rig, "ksk_1", true)
      assert.strictEqual(yield* servedBy(rig, { messages: turns("left", "more") }), "ksk_1")
      assert.strictEqual(yield* servedBy(rig, { messages: turns("right", "more") }), "ksk_2")
    })
  )

  it.live("the request goes only for its conversation: a system prompt alone draws nobody", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: silent, credentials: two, config: { pool: { mode: "balanced" } } })
      const served = yield* Effect.forEach([1, 2, 3, 4], (n) =>
        servedBy(rig, { system, messages: [{ role: "user", content: `Task ${n}` }] })
      )
      assert.deepStrictEqual([...served].toSorted(), ["ksk_1", "ksk_1", "ksk_2", "ksk_2"])
    })
  )

  it.live("is explained: who has how much of a conversation, and that this decides", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: silent, credentials: two })
      const conversation = "0b3f1a52-7c1e-4d70-9a55-0d5b1c3e7f01"
      yield* enable(rig, "ksk_1", false)
      yield* ask(rig, "/v1/messages", {
        body: { ...saying(""), messages: turns() },
        headers: { "x-claude-code-session-id": conversation }
      })
      yield* enable(rig, "ksk_1", true)
      const explained = (query: string) =>
        Effect.map(ask(rig, `/api/admin/pool/explain${query}`, { headers: { "x-api-key": adminKey } }), ({ json }) => [
          at(json, "chosen"),
          at(json, "because"),
          ...listOf(at(json, "credentials")).map((one) => Number(at(one, "cachedTokens")) > 6_000)
        ])
      assert.deepStrictEqual(yield* explained(`?conversation=${conversation}`), [
        "ksk_2",
        "it has what is asked cached",
        false,
        true
      ])
      const [chosen] = yield* explained("")
      assert.strictEqual(chosen, "ksk_1")
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

  for (const by of ["whole", "stream", "held"] as const) {
    it.live(`an agent's thirty turns are told to the token, with another account from the middle on: ${by}`, () =>
      Effect.gen(function* () {
        const rig = yield* makeRig({
          credentials: [apiKey("ksk_1"), apiKey("ksk_2", { priority: 1 })],
          script: {
            rules: [
              { credential: "ksk_1", skip: 15, fail: "rate_limit" },
              {
                steps: [{ text: "I look." }, { tool: "Read", input: { path: "a" } }],
                then: [{ text: "It is there. ", repeat: 40 }]
              }
            ]
          }
        })
        yield* listed(rig)
        const tools = [{ name: "Read", description: "Reads a file.", input_schema: { type: "object" } }]
        const mark = { cache_control: { type: "ephemeral" } }
        const messages: Array<{ readonly role: string; readonly content: unknown }> = []
        const told: Array<unknown> = []
        for (let turn = 0; turn < 30; turn++) {
          const said =
            turn % 2 === 0
              ? { type: "text", text: `turn ${turn} ${"word ".repeat(50)}` }
              : { type: "tool_result", tool_use_id: toolUseIn(messages.at(-1)?.content), content: "line ".repeat(80) }
          const asked = [...messages, { role: "user", content: [{ ...said, ...mark }] }]
          const { content, usage } = yield* answerBy[by](rig, { system, tools, messages: asked })
          assert.strictEqual(at(usage, "weir", "cacheSource"), "upstream", `turn ${turn}`)
          told.push([...numbers(usage), at(usage, "output_tokens")])
          messages.push({ role: "user", content: [said] }, { role: "assistant", content })
        }
        const counted = (yield* generations(rig)).flatMap(({ usage }) =>
          usage === null
            ? []
            : [[usage.uncachedInputTokens, usage.cacheWriteInputTokens, usage.cacheReadInputTokens, usage.outputTokens]]
        )
        assert.deepStrictEqual(told, counted)
        const reads = counted.map(([, , read]) => read ?? 0)
        assert.deepStrictEqual(
          reads.flatMap((read, turn) => (read === 0 ? [turn] : [])),
          [0, 15],
          "nothing is read where nobody has seen it, and everything else is read"
        )
        const { json } = yield* ask(rig, "/api/admin/requests?limit=100", { headers: { "x-api-key": adminKey } })
        const kept = listOf(at(json, "data"))
          .toReversed()
          .map((row) => [...numbers(at(row, "usage")), at(row, "usage", "output_tokens")])
        assert.deepStrictEqual(kept, counted, "and so it stands in the ledger")
      })
    )
  }

  const ways = {
    "words of ours before the question": {
      tools: [{ name: "T", input_schema: { type: "object" } }],
      tool_choice: { type: "any" }
    },
    "a schema for the answer": { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
    "nothing of ours": {}
  }
  for (const [name, members] of Object.entries(ways)) {
    it.live(`the next turn reads what the last one left: ${name}`, () =>
      Effect.gen(function* () {
        const rig = yield* makeRig({ script: { rules: [{ steps: [{ text: "ok" }] }] } })
        yield* listed(rig)
        const mark = { cache_control: { type: "ephemeral" } }
        const messages: Array<object> = []
        const reads: Array<number> = []
        for (let turn = 0; turn < 3; turn++) {
          const text = `${turn} ${"word ".repeat(8_000)}`
          const asked = [...messages, { role: "user", content: [{ type: "text", text, ...mark }] }]
          const usage = yield* usageBy.whole(rig, { messages: asked, ...members })
          reads.push(numbers(usage)[2] ?? 0)
          messages.push({ role: "user", content: [{ type: "text", text }] }, { role: "assistant", content: "ok" })
        }
        assert.isAbove(reads[1] ?? 0, 6_000)
        assert.isAbove(reads[2] ?? 0, (reads[1] ?? 0) + 6_000)
      })
    )
  }

  it.live("a document is cached before a question that changes", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      yield* listed(rig)
      const mark = { cache_control: { type: "ephemeral" } }
      const opened = [
        { role: "user", content: "word ".repeat(8_000) },
        { role: "assistant", content: "Read." }
      ]
      const asking = (question: string) =>
        usageBy.whole(rig, {
          system: "S",
          messages: [
            ...opened,
            {
              role: "user",
              content: [
                { type: "text", text: "A marked text.", ...mark },
                { type: "text", text: question }
              ]
            }
          ]
        })
      yield* asking("What?")
      assert.isAbove(numbers(yield* asking("Why?"))[2] ?? 0, 6_000)
    })
  )

  it.live("a refusal for another cause, and a tool that is not offered, cost no cache points", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: {
          rules: [
            { times: 1, steps: [{ http: { status: 400, type: "ValidationException", reason: "IMAGE_SIZE_EXCEEDED" } }] }
          ]
        }
      })
      yield* listed(rig)
      assert.strictEqual((yield* ask(rig, "/v1/messages", { body: saying("Hi", { system }) })).status, 400)
      const tools = [
        { name: "T", description: "d", input_schema: { type: "object" } },
        { type: "tool_of_tomorrow_20300101", name: "x", cache_control: { type: "ephemeral" } }
      ]
      yield* usageBy.whole(rig, { tools })
      const points = (yield* generations(rig)).map(({ body }) => body.split("cachePoint").length - 1)
      assert.deepStrictEqual(points, [1, 2])
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

  it.live("a line for Anthropic's billing, which always differs, is not sent and keeps nothing from being cached", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      yield* listed(rig)
      const asked = (hash: string) => ({
        system: [
          { type: "text", text: `x-anthropic-billing-header: cc_version=2.1.330.${hash}; cc_entrypoint=cli;` },
          ...system
        ]
      })
      yield* usageBy.whole(rig, asked("a1b"))
      const [, , read = 0] = numbers(yield* usageBy.whole(rig, asked("c2d")))
      assert.isAbove(read, 6_000)
      assert.isFalse((yield* generations(rig)).some(({ body }) => body.includes("billing")))
    })
  )

  it.live("no cache points are sent for less than the model caches", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      yield* listed(rig)
      for (const words of [100, 3_000]) {
        const short = [{ type: "text", text: "word ".repeat(words), cache_control: { type: "ephemeral" } }]
        yield* usageBy.whole(rig, { system: short })
      }
      const points = (yield* generations(rig)).map(({ body }) => body.includes("cachePoint"))
      assert.deepStrictEqual(points, [false, true])
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
