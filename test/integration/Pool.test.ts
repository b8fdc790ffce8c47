/** The pool behind the whole pipeline: real sockets, a simulated Kiro, every failure it is known for. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Redacted, Schedule } from "effect"
import type { CredentialStatus } from "../../src/credential/PoolOperations.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import { FailureName } from "../../src/simulator/FailurePreset.ts"
import { ask, at, saying } from "../support/Ask.ts"
import { apiKey, makeRig, type Rig } from "../support/Rig.ts"
import { social } from "../storage/StoreCases.ts"

const messages = (rig: Rig, body: unknown = saying("Hi")) => ask(rig, "/v1/messages", { body })
const generations = (rig: Rig) =>
  Effect.map(rig.simulator.requests, (requests) => requests.filter(({ operation }) => operation === "generate"))
const statusOf = (rig: Rig, id: string): Effect.Effect<CredentialStatus> =>
  Effect.map(
    rig.pool.snapshot,
    ({ credentials }) => credentials.find((one) => one.id === CredentialId.make(id)) ?? assert.fail(id)
  )
const outstanding = (rig: Rig) => Effect.map(rig.pool.snapshot, (snapshot) => snapshot.outstanding)

/** Looks again until it holds, for at most a second. */
const withinASecond = (holds: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    assert.isTrue(yield* holds)
  }).pipe(
    Effect.catchDefect(() => Effect.fail("not yet")),
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeout("1 second"),
    Effect.orDie
  )

const three = ["ksk_1", "ksk_2", "ksk_3"]

describe("permits", () => {
  for (const mode of ["priority", "balanced"] as const) {
    it.live(`are never exceeded by sixty streams on three credentials of two permits each: ${mode}`, () =>
      Effect.gen(function* () {
        const rig = yield* makeRig({
          credentials: three.map((token, priority) => apiKey(token, { priority })),
          script: { rules: [{ steps: [{ text: "one two three four", chunk: 4, delay: 15 }] }] },
          config: { pool: { mode, maxInflightPerCredential: 2 } }
        })
        const answers = yield* Effect.forEach(
          Array.from({ length: 60 }, (_, n) => saying(`Hi ${n}`, { stream: true })),
          (body) => messages(rig, body),
          { concurrency: "unbounded" }
        )
        for (const { status, text } of answers) {
          assert.strictEqual(status, 200)
          assert.include(text, "message_stop")
        }
        const gauges = yield* Effect.forEach(three, rig.simulator.gauge)
        assert.deepStrictEqual(
          gauges.map(({ maximum }) => maximum),
          [2, 2, 2]
        )
        assert.strictEqual(
          gauges.reduce((sum, { total }) => sum + total, 0),
          60
        )
        assert.strictEqual(yield* outstanding(rig), 0)
      })
    )
  }

  it.live("come back within a second from twenty clients that go away in the middle", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        credentials: three.map((token) => apiKey(token)),
        script: { rules: [{ steps: [{ text: "begins" }, { stall: true }] }] },
        config: { pool: { maxInflightPerCredential: 0 } }
      })
      const clients = yield* Effect.forEach(Array.from({ length: 20 }), (_, n) =>
        Effect.forkChild(messages(rig, saying(`Hi ${n}`, { stream: true })))
      )
      yield* withinASecond(Effect.map(rig.simulator.openStreams, (open) => open === 20))
      assert.strictEqual(yield* outstanding(rig), 20)
      yield* Fiber.interruptAll(clients)
      yield* withinASecond(Effect.map(outstanding(rig), (count) => count === 0))
      yield* withinASecond(Effect.map(rig.simulator.openStreams, (open) => open === 0))
    })
  )
})

describe("a token", () => {
  const signedIn = (expiresAt: DateTime.Utc, accessToken: string) =>
    social("a", {
      expiresAt,
      accessToken: Redacted.make(accessToken),
      refreshToken: Redacted.make(`refresh-${"0".repeat(100)}`),
      profileArn: "arn:aws:codewhisperer:us-east-1:1:profile/X"
    })
  const account = { name: "a", accessToken: "stale", refreshToken: `refresh-${"0".repeat(100)}` }
  const many = (rig: Rig, count: number) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => messages(rig, saying(`Hi ${n}`)), {
      concurrency: "unbounded"
    })
  const refreshesOf = (rig: Rig) => Effect.map(rig.simulator.refreshes, (refreshes) => [...refreshes.values()])
  const open = { pool: { maxInflightPerCredential: 0 } }

  it.live("that fifty requests at once find expired is refreshed once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        credentials: [signedIn(DateTime.makeUnsafe(0), "stale")],
        script: { accounts: [account] },
        config: open
      })
      for (const { status, text } of yield* many(rig, 50)) assert.strictEqual(status, 200, text)
      assert.deepStrictEqual(yield* refreshesOf(rig), [1])
    })
  )

  it.live("that the upstream refuses to twenty requests at once is refreshed once", () =>
    Effect.gen(function* () {
      const later = DateTime.addDuration(yield* DateTime.now, Duration.hours(1))
      const rig = yield* makeRig({
        credentials: [signedIn(later, "stale")],
        script: { accounts: [account] },
        config: open
      })
      yield* rig.simulator.expire("stale")
      for (const { status, text } of yield* many(rig, 20)) assert.strictEqual(status, 200, text)
      assert.deepStrictEqual(yield* refreshesOf(rig), [1])
      assert.strictEqual((yield* statusOf(rig, "a")).health.failureCount, 0)
    })
  )
})

describe("retry-after", () => {
  it.live("is the soonest recovery, also of an answer that tells another failure", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        credentials: [apiKey("ksk_1"), apiKey("ksk_2", { priority: 1 })],
        script: {
          rules: [
            { credential: "ksk_1", steps: [{ fail: "rate_limit", retryAfter: 20 }] },
            { credential: "ksk_2", fail: "internal" }
          ]
        }
      })
      const first = yield* messages(rig)
      assert.strictEqual(first.status, 502)
      const told = Number(first.headers.get("retry-after"))
      assert.isTrue(told >= 18 && told <= 20, `${told}`)
      const second = yield* messages(rig)
      assert.strictEqual(second.headers.get("weir-attempts"), null)
      assert.isAtMost(Math.abs(Number(second.headers.get("retry-after")) - told), 1)
    })
  )
})

/** What becomes of the credential. */
type Consequence = "nothing" | "counts" | `rests ${string}` | `off ${string}`

interface Row {
  /** Upstream calls with two credentials that both fail like this; and with one. */
  readonly calls: readonly [two: number, one: number]
  readonly status: number
  readonly type: string
  readonly does: Consequence
}

const failureNames = FailureName.literals

const row = (calls: Row["calls"], status: number, type: string, does: Consequence): Row => ({
  calls,
  status,
  type,
  does
})
const upstreamFault = row([4, 3], 502, "api_error", "rests upstream_error")
const refused = row([1, 1], 400, "invalid_request_error", "nothing")
const unfit = row([2, 1], 502, "api_error", "counts")
const limited = row([2, 1], 429, "rate_limit_error", "rests rate_limit")
const overload = row([2, 2], 529, "overloaded_error", "nothing")
const outOfQuota = row([2, 1], 402, "billing_error", "off quota_exceeded")

/** Sent once more in another form, in the same lease. */
const inAnotherForm = row([2, 2], 400, "invalid_request_error", "nothing")

/** Those that only a refresh meets are left out. */
const table: Readonly<Record<Exclude<FailureName, "invalid_grant" | "invalid_client" | "slow_down">, Row>> = {
  header_timeout: row([4, 3], 504, "timeout_error", "rests timeout"),
  conversation_limit: inAnotherForm,
  invalid_conversation: inAnotherForm,
  invalid_signature: inAnotherForm,
  document_refused: inAnotherForm,
  network: upstreamFault,
  masked_throttling: upstreamFault,
  masked_validation: refused,
  monthly_quota: outOfQuota,
  monthly_throttle: outOfQuota,
  overage: row([2, 1], 429, "rate_limit_error", "rests overage_request_limit"),
  payment_required: row([1, 1], 502, "api_error", "nothing"),
  improperly_formed: refused,
  input_too_long: refused,
  content_length: refused,
  prompt_too_long: refused,
  invalid_model: row([1, 1], 404, "not_found_error", "nothing"),
  kms_grant: unfit,
  bearer_invalid: unfit,
  unauthorized: unfit,
  access_denied: unfit,
  feature_not_supported: unfit,
  suspended: row([2, 1], 502, "api_error", "off account_suspended"),
  rate_limit: limited,
  daily_quota: limited,
  suspicious_activity: row([2, 1], 429, "rate_limit_error", "rests suspicious_activity"),
  model_capacity: overload,
  model_unavailable: overload,
  high_load: overload,
  internal: upstreamFault,
  bad_gateway: upstreamFault,
  unavailable: upstreamFault,
  gateway_timeout: upstreamFault,
  timeout: row([4, 3], 504, "timeout_error", "rests timeout"),
  conflict: unfit,
  not_found: row([1, 1], 502, "api_error", "nothing"),
  redirect: upstreamFault
}

const consequence = ({ health }: CredentialStatus): Consequence =>
  health.disabled !== null
    ? `off ${health.disabled.reason}`
    : health.cooldown !== null
      ? `rests ${health.cooldown.reason}`
      : health.failureCount > 0
        ? "counts"
        : "nothing"

const run = Effect.fnUntraced(function* (fail: FailureName, tokens: ReadonlyArray<string>) {
  const rig = yield* makeRig({
    script: { rules: [{ fail }] },
    credentials: tokens.map((token, priority) => apiKey(token, { priority })),
    config: { retry: { headerTimeout: "500 millis" } }
  })
  const answer = yield* messages(rig)
  return { rig, answer, calls: (yield* generations(rig)).length }
})

describe("every failure that the upstream is known for", () => {
  for (const [fail, expected] of Object.entries(table)) {
    const name = failureNames.find((known) => known === fail) ?? assert.fail(fail)
    it.live(`${fail}: is tried as often, does to the credential and tells the client what it should`, () =>
      Effect.gen(function* () {
        const one = yield* run(name, ["ksk_1"])
        assert.deepInclude(
          {
            calls: one.calls,
            status: one.answer.status,
            type: at(one.answer.json, "error", "type"),
            does: consequence(yield* statusOf(one.rig, "ksk_1"))
          },
          { calls: expected.calls[1], status: expected.status, type: expected.type, does: expected.does },
          one.answer.text
        )
        const two = yield* run(name, ["ksk_1", "ksk_2"])
        assert.deepInclude(
          {
            calls: two.calls,
            status: two.answer.status,
            type: at(two.answer.json, "error", "type"),
            does: consequence(yield* statusOf(two.rig, "ksk_1"))
          },
          { calls: expected.calls[0], status: expected.status, type: expected.type, does: expected.does }
        )
        assert.notMatch(two.answer.text, /ksk_|d-9067c98495/)
        assert.strictEqual(yield* outstanding(two.rig), 0)
      })
    )
  }
})
