/** What stands of each request afterwards, over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { ask, type Answered, at, eventsOf, saying, scripted } from "../support/Ask.ts"
import { adminKey, apiKey, makeRig, type Rig } from "../support/Rig.ts"

const admin = (rig: Rig, path: string) => ask(rig, `/api/admin${path}`, { headers: { "x-api-key": adminKey } })
const messages = (rig: Rig, body: unknown, path = "/v1/messages") => ask(rig, path, { body })

const listed = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : assert.fail("no list"))
const rows = (rig: Rig, query = "") =>
  Effect.map(admin(rig, `/requests${query}`), ({ json, status, text }) => {
    assert.strictEqual(status, 200, text)
    return listed(at(json, "data"))
  })

/** The record of an answer, by its id. */
const recordOf = (rig: Rig, answer: Pick<Answered, "headers">) =>
  Effect.map(admin(rig, `/requests/${answer.headers.get("request-id")}`), ({ json, status, text }) => {
    assert.strictEqual(status, 200, text)
    return json
  })

const four = ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
const countsOf = (usage: unknown) => four.map((name) => at(usage, name))
const usageOf = ({ json, text }: Answered) =>
  at(json, "usage") ?? at(eventsOf(text).find(({ event }) => event === "message_delta")?.data, "usage")
const failures = (record: unknown) =>
  listed(at(record, "attempts")).map((attempt) => [at(attempt, "credentialId"), at(attempt, "failure", "kind") ?? null])

/** Asks until it holds. */
const eventually = <A>(look: Effect.Effect<A | undefined>) =>
  look.pipe(
    Effect.filterOrFail(
      (found): found is NonNullable<typeof found> => found !== undefined,
      () => "not yet"
    ),
    Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "2 seconds" }))),
    Effect.orDie
  )

describe("the record of a request", () => {
  for (const [name, path, stream] of [
    ["whole", "/v1/messages", false],
    ["streamed", "/v1/messages", true],
    ["held back", "/cc/v1/messages", true]
  ] as const) {
    it.live(`says what the client was told: ${name}`, () =>
      Effect.gen(function* () {
        const rig = yield* makeRig()
        const answer = yield* messages(rig, saying("Hi", { stream }), path)
        const record = yield* recordOf(rig, answer)
        assert.deepStrictEqual(countsOf(at(record, "usage")), countsOf(usageOf(answer)))
        assert.strictEqual(at(record, "usage", "source"), at(usageOf(answer), "weir", "source"))
        assert.strictEqual(at(record, "usage", "cacheSource"), at(usageOf(answer), "weir", "cacheSource"))
        assert.deepInclude(record, {
          model: "claude-sonnet-4-5",
          resolvedModel: "claude-sonnet-4.5",
          stream,
          conversation: null,
          outcome: "ok",
          stopReason: "end_turn",
          status: 200,
          error: null,
          reported: null
        })
        assert.isAbove(Number(at(record, "credits")), 0)
        assert.match(String(at(record, "time")), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
        assert.deepStrictEqual(failures(record), [["ksk_1", null]])
        assert.strictEqual(at(record, "attempts", 0, "why", "counts", "eligible"), 1)
        assert.isAtLeast(Number(at(record, "phases", "total")), Number(at(record, "phases", "firstEvent")))
        const [row] = yield* rows(rig)
        assert.deepStrictEqual(at(row, "id"), at(record, "id"))
        assert.isUndefined(at(row, "attempts"))
      })
    )
  }

  it.live("keeps the measured figures, and beside them those that were told under a policy", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: { rules: [{ steps: [{ text: "ok" }, { contextUsageEvent: 10 }] }] },
        config: { cache: { reportedReadRatio: 0.9 } }
      })
      const system = [{ type: "text", text: "word ".repeat(8_000), cache_control: { type: "ephemeral" } }]
      const answer = yield* messages(rig, saying("Hi", { system }))
      const record = yield* recordOf(rig, answer)
      assert.deepStrictEqual(countsOf(at(record, "reported")), countsOf(usageOf(answer)))
      assert.deepStrictEqual(countsOf(at(record, "usage")), countsOf(at(usageOf(answer), "weir", "measured")))
    })
  )

  it.live("tells every attempt with its reason, in order", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        credentials: ["ksk_1", "ksk_2", "ksk_3"].map((token, priority) => apiKey(token, { priority })),
        script: {
          rules: [
            { credential: "ksk_1", fail: "rate_limit" },
            { credential: "ksk_2", steps: [{ http: { status: 500 } }] }
          ]
        }
      })
      const answer = yield* messages(rig, saying("Hi"))
      assert.strictEqual(answer.headers.get("weir-attempts"), "3")
      const record = yield* recordOf(rig, answer)
      assert.deepStrictEqual(failures(record), [
        ["ksk_1", "rate_limit"],
        ["ksk_2", "upstream_error"],
        ["ksk_3", null]
      ])
      assert.deepStrictEqual(at(record, "attempts", 0, "failure"), {
        kind: "rate_limit",
        status: 429,
        scope: "credential"
      })
      assert.deepStrictEqual(yield* rows(rig, "?credential=ksk_2"), yield* rows(rig))
      assert.deepStrictEqual(yield* rows(rig, "?credential=ksk_9"), [])
    })
  )

  it.live("says what the client was told where it got no answer", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ script: { rules: [{ steps: [{ http: { status: 500 } }] }] } })
      const answer = yield* messages(rig, saying("Hi"))
      assert.strictEqual(answer.status, 502)
      const record = yield* recordOf(rig, answer)
      assert.deepInclude(record, { outcome: "failed", status: 502, stopReason: null, credits: null })
      assert.deepStrictEqual(at(record, "error", "message"), at(answer.json, "error", "message"))
      assert.deepStrictEqual(countsOf(at(record, "usage")), [0, 0, 0, 0])
      assert.isAbove(failures(record).length, 1)
    })
  )

  it.live("says what the client was told where its request cannot be carried out", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const answer = yield* messages(rig, saying("Hi", { thread: { type: "continue", previous_message_id: "x" } }))
      assert.strictEqual(answer.status, 404)
      assert.deepInclude(yield* recordOf(rig, answer), { outcome: "failed", status: 404, attempts: [] })
    })
  )

  it.live("of an answer that broke off in the middle has what was used until then", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const answer = yield* messages(rig, scripted([{ text: "word ".repeat(40) }, { cut: true }], { stream: true }))
      assert.include(answer.text, "event: error")
      const record = yield* recordOf(rig, answer)
      assert.deepInclude(record, { outcome: "failed", status: 200 })
      assert.isAtLeast(Number(at(record, "usage", "output_tokens")), 30)
      assert.isAbove(Number(at(record, "usage", "input_tokens")), 0)
      assert.strictEqual(at(record, "usage", "source"), "estimated")
      assert.deepStrictEqual(failures(record), [["ksk_1", "stream_broken"]])
    })
  )

  it.live("of a client that went away has what was used until then, once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const body = scripted([{ text: "word ".repeat(40) }, { stall: true }], { stream: true })
      const fiber = yield* Effect.forkChild(messages(rig, body))
      yield* eventually(Effect.map(rig.simulator.openStreams, (open) => (open === 1 ? open : undefined)))
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(fiber)
      const row = yield* eventually(Effect.map(rows(rig), ([first]) => first))
      assert.deepInclude(row, { outcome: "client_closed", error: null })
      assert.isAtLeast(Number(at(row, "usage", "output_tokens")), 30)
      assert.strictEqual((yield* rows(rig)).length, 1)
      assert.strictEqual((yield* rig.pool.snapshot).outstanding, 0)
    })
  )

  it.live("has what every attempt was charged, also those that came to nothing", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        credentials: [apiKey("ksk_1"), apiKey("ksk_2", { priority: 1 })],
        script: {
          rules: [
            { credential: "ksk_1", steps: [{ text: "a" }, { meteringEvent: 0.5 }, { cut: true }] },
            { credential: "ksk_2", steps: [{ text: "b" }, { meteringEvent: 0.25 }] }
          ]
        }
      })
      const answer = yield* messages(rig, saying("Hi"))
      const record = yield* recordOf(rig, answer)
      assert.deepStrictEqual(
        listed(at(record, "attempts")).map((attempt) => at(attempt, "credits")),
        [0.5, 0.25]
      )
      for (const attempt of listed(at(record, "attempts"))) {
        assert.isAbove(Number(at(attempt, "usage", "output_tokens")), 0)
      }
      assert.strictEqual(at(record, "credits"), 0.75)
    })
  )

  it.live("says how long a request waited for a permit that it did not get", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: { rules: [{ steps: [{ text: "a" }, { stall: true }] }] },
        config: { pool: { maxInflightPerCredential: 1, queueTimeout: "300 millis" } }
      })
      const first = yield* Effect.forkChild(messages(rig, saying("One", { stream: true })))
      yield* eventually(Effect.map(rig.simulator.openStreams, (open) => (open === 1 ? open : undefined)))
      const answer = yield* messages(rig, saying("Two"))
      assert.strictEqual(answer.status, 529)
      const record = yield* recordOf(rig, answer)
      assert.isAtLeast(Number(at(record, "phases", "queue")), 250)
      yield* Fiber.interrupt(first)
    })
  )

  it.live("counts an answer with web searches whose last call was cut short by what both calls used", () =>
    Effect.gen(function* () {
      const figures = { uncachedInputTokens: 500, outputTokens: 5, totalTokens: 505 }
      const rig = yield* makeRig({
        script: {
          rules: [
            {
              steps: [{ tool: "web_search", input: { query: "weir" } }, { metadataEvent: figures }],
              then: [{ text: `${"word ".repeat(100)}STOP` }]
            }
          ]
        }
      })
      const tools = [
        { type: "web_search_20250305", name: "web_search" },
        { name: "other", input_schema: { type: "object" } }
      ]
      const answer = yield* messages(rig, saying("Search", { tools, stop_sequences: ["STOP"] }))
      const usage = usageOf(answer)
      assert.isAbove(Number(at(usage, "output_tokens")), 80)
      assert.isAbove(Number(at(usage, "input_tokens")), 500)
      assert.strictEqual(at(usage, "weir", "source"), "estimated")
      assert.deepStrictEqual(countsOf(at(yield* recordOf(rig, answer), "usage")), countsOf(usage))
    })
  )

  it.live("counts an answer with web searches once, all its calls together", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: { rules: [{ steps: [{ tool: "web_search", input: { query: "weir" } }], then: [{ text: "Found." }] }] }
      })
      const tools = [
        { type: "web_search_20250305", name: "web_search" },
        { name: "other", input_schema: { type: "object" } }
      ]
      const answer = yield* messages(rig, saying("Search", { tools, stream: true }))
      assert.strictEqual(at(usageOf(answer), "server_tool_use", "web_search_requests"), 1)
      const record = yield* recordOf(rig, answer)
      assert.deepStrictEqual(countsOf(at(record, "usage")), countsOf(usageOf(answer)))
      assert.strictEqual((yield* rows(rig)).length, 1)
      assert.strictEqual(failures(record).length, 1)
      assert.strictEqual(at(record, "webSearches"), 1)
    })
  )
})

describe("GET /requests", () => {
  it.live("goes through all by pages, and finds by key, model, credential and outcome", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      for (let n = 0; n < 7; n++) {
        const model = n % 2 === 0 ? "claude-sonnet-4-5" : "claude-haiku-4-5"
        yield* messages(rig, n === 3 ? scripted([{ http: { status: 400 } }], { model }) : saying(`Hi ${n}`, { model }))
      }
      const seen: Array<unknown> = []
      for (let cursor: unknown = ""; cursor !== null;) {
        const { json } = yield* admin(rig, `/requests?limit=3&cursor=${String(cursor)}`)
        seen.push(...listed(at(json, "data")).map((row) => at(row, "id")))
        cursor = at(json, "nextCursor")
      }
      const all = yield* rows(rig)
      assert.deepStrictEqual(
        seen,
        all.map((row) => at(row, "id"))
      )
      assert.strictEqual(new Set(seen).size, 7)
      assert.strictEqual((yield* rows(rig, "?model=claude-haiku-4-5")).length, 3)
      assert.strictEqual((yield* rows(rig, "?model=claude-haiku-4.5&outcome=ok")).length, 2)
      assert.strictEqual((yield* rows(rig, "?outcome=failed")).length, 1)
      const key = String(at(all[0], "keyId"))
      assert.strictEqual((yield* rows(rig, `?key=${key}`)).length, 7)
      assert.strictEqual((yield* rows(rig, "?key=other")).length, 0)
      assert.strictEqual((yield* rows(rig, "?limit=&cursor=&key=&model=&credential=&outcome=")).length, 7)
    })
  )

  it.live("refuses by name what is no query, and knows no request that never was", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      for (const [query, name] of [
        ["limit=0", "limit"],
        ["limit=1001", "limit"],
        ["cursor=x'y", "cursor"],
        ["outcome=good", "outcome"]
      ]) {
        const { json, status } = yield* admin(rig, `/requests?${query}`)
        assert.strictEqual(status, 400)
        assert.include(String(at(json, "error", "message")), `${name}:`)
      }
      assert.strictEqual((yield* admin(rig, "/requests/req_never")).status, 404)
    })
  )
})
