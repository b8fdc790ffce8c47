import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { effects } from "../../../src/credential/Cooldown.ts"
import type { FailureReason } from "../../../src/message/FailureReason.ts"
import { type Failure, failureOf, type FailureName } from "../../../src/simulator/FailurePreset.ts"
import { classify } from "../../../src/upstream/kiro/KiroFailure.ts"

const now = Date.UTC(2026, 0, 2, 3, 4, 5)

const judged = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): FailureReason =>
  classify(status, headers, typeof body === "string" ? body : JSON.stringify(body), now)

const kindOf = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  judged(status, body, headers).kind

const ofPreset = (name: FailureName): FailureReason => {
  const failure: Failure = failureOf(name)
  if ("masked" in failure) return judged(200, { __type: failure.masked.type, message: failure.masked.message })
  if (!("http" in failure)) throw new Error(`${name} is no answer`)
  const { body, message, reason, status, type } = failure.http
  return judged(
    status,
    body ?? { message, ...(reason === undefined ? {} : { reason }) },
    type === undefined ? {} : { "x-amzn-errortype": type }
  )
}

describe("classify", () => {
  const presets: ReadonlyArray<readonly [FailureName, string]> = [
    ["masked_throttling", "upstream_error upstream"],
    ["masked_validation", "invalid_request none"],
    ["monthly_quota", "quota_exceeded credential"],
    ["overage", "overage_request_limit credential"],
    ["conversation_limit", "invalid_conversation none"],
    ["payment_required", "client_error none"],
    ["improperly_formed", "invalid_request none"],
    ["input_too_long", "prompt_too_long none"],
    ["content_length", "prompt_too_long none"],
    ["prompt_too_long", "prompt_too_long none"],
    ["invalid_model", "invalid_model model"],
    ["invalid_conversation", "invalid_conversation none"],
    ["invalid_signature", "invalid_signature none"],
    ["document_refused", "document_refused none"],
    ["kms_grant", "auth credential"],
    ["bearer_invalid", "token_rejected credential"],
    ["access_denied", "auth credential"],
    ["suspended", "account_suspended credential"],
    ["feature_not_supported", "auth credential"],
    ["unauthorized", "token_rejected credential"],
    ["rate_limit", "rate_limit credential"],
    ["suspicious_activity", "suspicious_activity directory"],
    ["daily_quota", "rate_limit credential"],
    ["monthly_throttle", "quota_exceeded credential"],
    ["model_capacity", "model_capacity model"],
    ["model_unavailable", "model_capacity model"],
    ["high_load", "model_capacity model"],
    ["internal", "upstream_error upstream"],
    ["timeout", "timeout upstream"],
    ["bad_gateway", "upstream_error upstream"],
    ["unavailable", "upstream_error upstream"],
    ["gateway_timeout", "upstream_error upstream"],
    ["conflict", "auth credential"],
    ["not_found", "client_error none"],
    ["redirect", "upstream_error upstream"]
  ]

  for (const [name, expected] of presets) {
    it(`reads ${name} as ${expected}`, () => {
      const { kind, scope } = ofPreset(name)
      assert.strictEqual(`${kind} ${scope}`, expected)
    })
  }

  it("finds quota markers wherever in a 402 or 429 they stand, the month's before the overage's", () => {
    const monthly = "MONTHLY_REQUEST_COUNT"
    const overage = "OVERAGE_REQUEST_LIMIT_EXCEEDED"
    for (const status of [402, 429]) {
      assert.strictEqual(kindOf(status, { error: { reason: monthly } }), "quota_exceeded")
      assert.strictEqual(kindOf(status, { outer: [{ inner: { reason: overage } }] }), "overage_request_limit")
      assert.strictEqual(kindOf(status, { reason: overage, error: { reason: monthly } }), "quota_exceeded")
    }
    assert.strictEqual(kindOf(402, `not JSON: ${overage}`), "overage_request_limit")
    assert.notStrictEqual(kindOf(429, `somebody wrote ${overage}`), "overage_request_limit")
    assert.strictEqual(kindOf(400, { reason: monthly }), "quota_exceeded")
    assert.strictEqual(kindOf(402, { message: "pay" }), "client_error")
    assert.strictEqual(kindOf(402, { message: "You have reached the limit for overages." }), "overage_request_limit")
  })

  it("names the directory only where the upstream names the account", () => {
    const directory = (message: string) => {
      const { directoryKey, scope } = judged(429, { message })
      return [directoryKey, scope]
    }
    assert.deepStrictEqual(directory("suspicious activity: limits on account (d-9067c98495.b428)"), [
      "d-9067c98495",
      "directory"
    ])
    assert.deepStrictEqual(directory("suspicious activity in an invalid-request"), [null, "credential"])
    assert.isNull(judged(429, { message: "slow down, account (d-9067c98495.b428)" }).directoryKey)
  })

  it("reads retry-after as seconds or as a date, from five seconds on", () => {
    const wait = (value: string) => judged(429, {}, { "retry-after": value }).retryAfterMs
    assert.deepStrictEqual(["0", "1.5", "4", "5", "300", " 9999 "].map(wait), [
      null,
      null,
      null,
      5_000,
      300_000,
      9_999_000
    ])
    assert.strictEqual(wait("Fri, 02 Jan 2026 03:05:05 GMT"), 60_000)
    assert.deepStrictEqual(["Fri, 02 Jan 2026 03:03:05 GMT", "soon", "-5", ""].map(wait), [null, null, null, null])
    assert.isNull(judged(429, {}).retryAfterMs)
  })

  it("reads the exception's name from the header before the body, without namespace and address", () => {
    const header = { "x-amzn-errortype": "ExpiredTokenException:http://internal.amazon.com/" }
    assert.strictEqual(kindOf(403, { __type: "com.amazon#AccessDeniedException" }, header), "token_rejected")
    assert.strictEqual(kindOf(403, { __type: "com.amazon#ExpiredTokenException" }), "token_rejected")
    assert.strictEqual(kindOf(403, { code: "ExpiredTokenException" }), "token_rejected")
  })

  it("reads a 200 with JSON: a few a second try mends, all others end the call", () => {
    for (const name of [
      "ThrottlingException",
      "TooManyRequestsException",
      "ServiceUnavailableException",
      "InternalServerException",
      "InternalFailureException",
      "InternalServerError"
    ]) {
      assert.strictEqual(kindOf(200, { type: `com.amazon#${name}` }), "upstream_error")
    }
    assert.strictEqual(kindOf(200, { __type: "SomethingNewException" }), "client_error")
    assert.strictEqual(kindOf(200, { __type: "ValidationException", reason: "INVALID_MODEL_ID" }), "invalid_model")
    assert.strictEqual(kindOf(200, "<html>"), "upstream_error")
  })

  it("keeps the upstream's words, redacted and cut, or the status where there are none", () => {
    const token = "Bearer abcdefghijklmnopqrstuvwxyz"
    assert.strictEqual(judged(400, { message: `no ${token} here` }).message, "no Bearer <redacted> here")
    assert.strictEqual(judged(500, "").message, "HTTP 500")
    assert.strictEqual(judged(400, { message: "x".repeat(5_000) }).message.length, 1_024)
  })

  const echoes = [
    "suspicious activity",
    "imposing temporary limits on account (d-9067c98495.x)",
    "The bearer token included in the request is invalid",
    "Encountered unexpectedly high load",
    "You have reached the limit for overages.",
    "MONTHLY_REQUEST_COUNT",
    'x","reason":"MONTHLY_REQUEST_COUNT',
    "OVERAGE_REQUEST_LIMIT_EXCEEDED",
    "TEMPORARILY_SUSPENDED",
    '"INSUFFICIENT_MODEL_CAPACITY"',
    "ThrottlingException"
  ]
  const text = Arbitrary.schema(Schema.Union([Schema.Literals(echoes), Schema.String]))
  const name = Arbitrary.schema(Schema.Literals(["ValidationException", "SerializationException", "Unknown", ""]))
  const status = Arbitrary.schema(Schema.Literals([400, 413, 422]))
  const shape = Arbitrary.schema(Schema.Literals(["message", "Message", "error", "plain", "echo"]))

  it.prop(
    "no text of a client turns a refusal of the request into anything that touches a credential",
    [status, name, shape, text, text],
    ([status, name, shape, first, second]) => {
      const said = `Invalid value: ${first} ${second}`
      const body =
        shape === "plain"
          ? said
          : shape === "error"
            ? { error: { message: said } }
            : shape === "echo"
              ? { message: "invalid", value: said }
              : { [shape]: said }
      const { directoryKey, kind, scope } = judged(status, body, name === "" ? {} : { "x-amzn-errortype": name })
      assert.strictEqual(effects[kind], "nothing")
      assert.strictEqual(scope, "none")
      assert.isNull(directoryKey)
    }
  )
})
