/** Client keys and their limits, over real sockets, in front of a simulated Kiro. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { ask as askRig, type Answered, at, eventsOf, saying, scripted } from "../support/Ask.ts"
import { adminKey, apiKey, makeRig, type Rig } from "../support/Rig.ts"

interface Key {
  readonly id: string
  readonly key: string
}

const admin = (rig: Rig, path: string, method: string, body?: unknown) =>
  askRig(rig, `/api/admin/keys${path}`, { method, headers: { "x-api-key": adminKey }, body })
const makeKey = (rig: Rig, limits: object = {}): Effect.Effect<Key> =>
  Effect.map(admin(rig, "", "POST", { name: "one", ...limits }), ({ json, status, text }) => {
    assert.strictEqual(status, 200, text)
    return { id: String(at(json, "id")), key: String(at(json, "key")) }
  })
const change = (rig: Rig, { id }: Key, body: object) =>
  Effect.map(admin(rig, `/${id}`, "PATCH", body), ({ status, text }) => assert.strictEqual(status, 200, text))
const useOf = (rig: Rig, { id }: Key) =>
  Effect.map(admin(rig, "", "GET"), ({ json }) => {
    const data = at(json, "data")
    const found = Array.isArray(data) ? data.find((one) => at(one, "id") === id) : undefined
    return at(found, "use")
  })

const ask = (rig: Rig, { key }: Key, path: string, body?: unknown): Effect.Effect<Answered> =>
  askRig(rig, path, { headers: { "x-api-key": key }, body })
const messages = (rig: Rig, key: Key, body: unknown = saying("Hi")) => ask(rig, key, "/v1/messages", body)
const count = (rig: Rig, key: Key, body: unknown = saying("Hi")) => ask(rig, key, "/v1/messages/count_tokens", body)

const errorOf = ({ json, status, text }: Answered) => {
  assert.strictEqual(at(json, "type"), "error", text)
  return [status, at(json, "error", "type"), at(json, "error", "message")]
}
const limitsOf = ({ headers }: Answered, of: string) =>
  ["limit", "remaining", "reset"].map((name) => headers.get(`anthropic-ratelimit-${of}-${name}`))
const retryAfter = ({ headers }: Answered) => Number(headers.get("retry-after"))
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/** Asks until it holds. */
const eventually = (holds: Effect.Effect<boolean>) =>
  holds.pipe(
    Effect.filterOrFail(
      (is) => is,
      () => "not yet"
    ),
    Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "2 seconds" }))),
    Effect.orDie
  )

const four = ["/v1/messages", "/cc/v1/messages", "/v1/messages/count_tokens", "/cc/v1/messages/count_tokens"]

describe("a client key", () => {
  it.live("that is disabled, expired or deleted is refused everywhere from the next request on", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const key = yield* makeKey(rig)
      const everywhere = Effect.gen(function* () {
        const answers = yield* Effect.forEach(four, (path) => ask(rig, key, path, saying("Hi")))
        answers.push(yield* ask(rig, key, "/v1/models"), yield* ask(rig, key, "/v1/models/claude-sonnet-4-5"))
        return answers.map((answer) => (answer.status === 200 ? "ok" : errorOf(answer).slice(0, 2).join(" ")))
      })
      const refused = Array.from({ length: 6 }, () => "401 authentication_error")
      assert.deepStrictEqual(
        yield* everywhere,
        refused.map(() => "ok")
      )
      yield* change(rig, key, { disabled: true })
      assert.deepStrictEqual(yield* everywhere, refused)
      yield* change(rig, key, { disabled: false, expiresAt: "2020-01-01T00:00:00Z" })
      assert.deepStrictEqual(yield* everywhere, refused)
      yield* change(rig, key, { expiresAt: null })
      assert.strictEqual((yield* messages(rig, key)).status, 200)
      yield* admin(rig, `/${key.id}`, "DELETE")
      assert.deepStrictEqual(yield* everywhere, refused)
    })
  )

  it.live("is told of no model but its own, and refused any other by name", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const key = yield* makeKey(rig, { models: ["*-haiku-*"] })
      const haiku = { model: "claude-haiku-4-5-20251001" }
      for (const path of four) {
        const refused = yield* ask(rig, key, path, saying("Hi"))
        assert.deepStrictEqual(errorOf(refused), [
          403,
          "permission_error",
          "model: this key may not use claude-sonnet-4-5"
        ])
        assert.strictEqual((yield* ask(rig, key, path, saying("Hi", haiku))).status, 200)
      }
      const { json } = yield* ask(rig, key, "/v1/models?limit=1000")
      const listed = at(json, "data")
      assert.isTrue(Array.isArray(listed) && listed.length > 0)
      if (Array.isArray(listed)) for (const model of listed) assert.include(String(at(model, "id")), "haiku")
      assert.strictEqual((yield* ask(rig, key, "/v1/models/claude-haiku-4-5")).status, 200)
      assert.strictEqual(errorOf(yield* ask(rig, key, "/v1/models/claude-sonnet-4-5"))[0], 403)
      const generated = (yield* rig.simulator.requests).filter(({ operation }) => operation === "generate")
      assert.lengthOf(generated, 2)
    })
  )

  it.live("without limits gets no headers of any", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const { headers } = yield* messages(rig, yield* makeKey(rig))
      assert.deepStrictEqual(
        [...headers.keys()].filter((name) => name.startsWith("anthropic-ratelimit")),
        []
      )
    })
  )
})

describe("requests a minute", () => {
  it.live("are told with every answer, and refused beyond the limit", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const key = yield* makeKey(rig, { requestsPerMinute: 5 })
      const answers = [
        yield* messages(rig, key),
        yield* messages(rig, key, saying("Hi", { stream: true })),
        yield* ask(rig, key, "/cc/v1/messages", saying("Hi", { stream: true })),
        yield* count(rig, key),
        yield* ask(rig, key, "/v1/models")
      ]
      for (const [n, answer] of answers.entries()) {
        assert.strictEqual(answer.status, 200, answer.text)
        const [limit, remaining, reset] = limitsOf(answer, "requests")
        assert.deepStrictEqual([limit, remaining], ["5", String(4 - n)])
        assert.match(String(reset), rfc3339)
        assert.closeTo(Date.parse(String(reset)) - Date.now(), (n + 1) * 12_000, 3_000)
        assert.deepStrictEqual(limitsOf(answer, "tokens"), [null, null, null])
      }
      for (const refused of [
        yield* messages(rig, key),
        yield* messages(rig, key, saying("Hi", { stream: true })),
        yield* count(rig, key),
        yield* ask(rig, key, "/v1/models")
      ]) {
        assert.deepStrictEqual(errorOf(refused), [
          429,
          "rate_limit_error",
          "this key's limit of 5 requests a minute is reached"
        ])
        assert.isTrue(retryAfter(refused) > 9 && retryAfter(refused) <= 12, String(retryAfter(refused)))
        assert.deepStrictEqual(limitsOf(refused, "requests").slice(0, 2), ["5", "0"])
      }
      const other = yield* makeKey(rig)
      assert.strictEqual((yield* messages(rig, other)).status, 200)
      yield* change(rig, key, { requestsPerMinute: 6 })
      assert.strictEqual((yield* messages(rig, key)).status, 200, "a change holds at once")
    })
  )
})

describe("tokens a minute", () => {
  it.live("are told with every answer, and refused beyond the limit", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const key = yield* makeKey(rig, { tokensPerMinute: 1_000 })
      for (const stream of [false, true]) {
        const [limit, remaining, reset] = limitsOf(yield* messages(rig, key, saying("Hi", { stream })), "tokens")
        assert.strictEqual(limit, "1000")
        assert.isTrue(Number(remaining) > 500 && Number(remaining) < 1_000, String(remaining))
        assert.match(String(reset), rfc3339)
      }
      assert.strictEqual((yield* messages(rig, key, saying("word ".repeat(5_000)))).status, 429)
    })
  )
  it.live("go into debt by a long answer, and are given back where nothing was used", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ config: { cooldown: { enabled: false } } })
      const key = yield* makeKey(rig, { tokensPerMinute: 100_000 })
      const failed = yield* messages(rig, key, scripted([{ http: { status: 400 } }]))
      assert.strictEqual(failed.status, 400)
      assert.strictEqual(at(yield* useOf(rig, key), "tokens", "remaining"), 100_000)
      const figures = { uncachedInputTokens: 150_000, outputTokens: 5, totalTokens: 150_005 }
      const first = yield* messages(rig, key, scripted([{ text: "long" }, { metadataEvent: figures }]))
      assert.deepStrictEqual(limitsOf(first, "tokens").slice(0, 2), ["100000", "0"])
      const refused = yield* messages(rig, key)
      assert.deepStrictEqual(errorOf(refused), [
        429,
        "rate_limit_error",
        "this key's limit of 100000 tokens a minute is reached"
      ])
      assert.isTrue(retryAfter(refused) > 27 && retryAfter(refused) <= 31, String(retryAfter(refused)))
      assert.strictEqual((yield* count(rig, key)).status, 200, "counting uses none")
    })
  )
})

describe("requests at a time", () => {
  it.live("are never more than the limit of fifty that come at once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        script: { rules: [{ steps: [{ text: "one two three four", chunk: 4, delay: 15 }] }] },
        config: { pool: { maxInflightPerCredential: 0 } }
      })
      const key = yield* makeKey(rig, { maxConcurrent: 3 })
      const answers = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, n) => saying(`Hi ${n}`, { stream: n % 2 === 0 })),
        (body) => messages(rig, key, body),
        { concurrency: "unbounded" }
      )
      const refused = answers.filter(({ status }) => status !== 200)
      assert.isAtLeast(answers.length - refused.length, 3)
      assert.isAtLeast(refused.length, 1)
      for (const answer of refused) {
        assert.deepStrictEqual(errorOf(answer), [
          429,
          "rate_limit_error",
          "this key's limit of 3 requests at a time is reached"
        ])
        assert.strictEqual(retryAfter(answer), 1)
      }
      assert.strictEqual((yield* rig.simulator.gauge("ksk_1")).maximum, 3)
      assert.strictEqual((yield* messages(rig, key)).status, 200)
    })
  )
})

describe("a budget", () => {
  it.live("refuses once it is used up, until it renews", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const key = yield* makeKey(rig, { budget: { tokens: 10, per: "day" } })
      assert.strictEqual((yield* messages(rig, key)).status, 200)
      const refused = yield* messages(rig, key, saying("Hi", { stream: true }))
      assert.deepStrictEqual(errorOf(refused), [429, "rate_limit_error", "this key's budget of the day is used up"])
      const day = 86_400
      const left = day - (Math.floor(Date.now() / 1_000) % day)
      assert.closeTo(retryAfter(refused), left, 3)
      const budget = at(yield* useOf(rig, key), "budget")
      assert.strictEqual(at(budget, "left", "tokens"), 0)
      assert.isAbove(Number(at(budget, "used", "tokens")), 10)
      yield* change(rig, key, { budget: { tokens: 1_000_000, per: "day" } })
      assert.strictEqual((yield* messages(rig, key)).status, 200)
    })
  )
})

describe("what a key has used", () => {
  it.live("is known of every end: whole, streamed, broken off and left", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ config: { cooldown: { enabled: false } } })
      const key = yield* makeKey(rig)
      const tokens = Effect.map(useOf(rig, key), (use) => Number(at(use, "thisMonth", "tokens")))
      let known = 0
      /** More than before, and nothing is under way. */
      const charged = Effect.fnUntraced(function* (what: string) {
        const use = yield* useOf(rig, key)
        const all = Number(at(use, "thisMonth", "tokens"))
        assert.isAbove(all, known, what)
        known = all
        assert.strictEqual(at(use, "concurrent"), 0, what)
      })
      const whole = yield* messages(rig, key)
      const usage = at(whole.json, "usage")
      yield* charged("whole")
      assert.strictEqual(known, Number(at(usage, "input_tokens")) + Number(at(usage, "output_tokens")))
      yield* messages(rig, key, saying("Hi", { stream: true }))
      yield* charged("streamed")
      const broken = yield* messages(
        rig,
        key,
        scripted([{ text: "word ".repeat(40) }, { cut: true }], { stream: true })
      )
      assert.strictEqual(eventsOf(broken.text).at(-1)?.event, "error")
      yield* charged("broken off")
      const body = scripted([{ text: "word ".repeat(40) }, { stall: true }], { stream: true })
      const left = yield* Effect.forkChild(messages(rig, key, body))
      yield* eventually(Effect.map(rig.simulator.openStreams, (open) => open === 1))
      yield* Effect.sleep("50 millis")
      assert.strictEqual(at(yield* useOf(rig, key), "concurrent"), 1)
      yield* Fiber.interrupt(left)
      yield* eventually(Effect.map(tokens, (all) => all > known))
      yield* eventually(Effect.map(useOf(rig, key), (use) => at(use, "concurrent") === 0))
      yield* charged("left")
    })
  )
})

describe("a flood of one key", () => {
  it.live("does not keep another from its turn", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        credentials: [apiKey("ksk_1")],
        script: { rules: [{ steps: [{ delay: 30 }, { text: "ok" }] }] },
        config: { pool: { maxInflightPerCredential: 1, queueLimit: 100 } }
      })
      const [loud, quiet] = [yield* makeKey(rig), yield* makeKey(rig)]
      let done = 0
      const flood = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 40 }, (_, n) => saying(`Loud ${n}`)),
          (body) => Effect.tap(messages(rig, loud, body), () => Effect.sync(() => done++)),
          { concurrency: "unbounded" }
        )
      )
      yield* eventually(Effect.map(rig.pool.snapshot, (snapshot) => snapshot.queued >= 30))
      const before = done
      for (let n = 0; n < 3; n++) assert.strictEqual((yield* messages(rig, quiet, saying(`Quiet ${n}`))).status, 200)
      assert.isAtMost(done - before, 9, "each turn of the quiet one comes after one of the loud one")
      yield* Fiber.join(flood)
      assert.strictEqual(done, 40)
    })
  )
})
