import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { classify, classifyEvent } from "../../../src/upstream/anthropic/AnthropicFailure.ts"

const now = Date.parse("2026-11-24T12:00:00Z")
const bodyOf = (type: string, message: string, details?: object) =>
  JSON.stringify({
    type: "error",
    error: { type, message, ...(details === undefined ? {} : { details }) },
    request_id: "req_1"
  })

const read = (status: number, type: string, message: string, headers: Record<string, string> = {}) =>
  classify(status, headers, bodyOf(type, message), now)

/** Each error of the API: what it is, whose it is, and whether the client is told its words. */
const table: ReadonlyArray<
  readonly [status: number, type: string, message: string, kind: string, scope: string, told: boolean]
> = [
  [400, "invalid_request_error", "messages: Field required", "invalid_request", "none", true],
  [400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "prompt_too_long", "none", true],
  [
    400,
    "invalid_request_error",
    "messages.1.content.0: Invalid `signature` in `thinking` block",
    "invalid_signature",
    "none",
    true
  ],
  [
    400,
    "invalid_request_error",
    "Your credit balance is too low to access the Anthropic API.",
    "overage_request_limit",
    "credential",
    false
  ],
  [401, "authentication_error", "invalid x-api-key", "key_rejected", "credential", false],
  [402, "billing_error", "pay", "overage_request_limit", "credential", false],
  [403, "permission_error", "not yours", "forbidden", "credential", false],
  [404, "not_found_error", "model: claude-x", "invalid_model", "model", true],
  [404, "not_found_error", "File not found", "invalid_request", "none", true],
  [413, "request_too_large", "too large", "client_error", "none", true],
  [422, "invalid_request_error", "no", "client_error", "none", true],
  [429, "rate_limit_error", "your organization's limit of 50 requests", "rate_limit", "credential", false],
  [500, "api_error", "Internal server error", "upstream_error", "upstream", true],
  [502, "api_error", "bad gateway", "upstream_error", "upstream", true],
  [504, "timeout_error", "late", "timeout", "upstream", true],
  [529, "overloaded_error", "Overloaded", "model_capacity", "model", true]
]

/** What the upstream's own trouble is to a client. */
const own = new Map([
  ["upstream_error", { status: 502, type: "api_error" }],
  ["timeout", { status: 504, type: "timeout_error" }],
  ["model_capacity", { status: 529, type: "overloaded_error" }]
])

describe("AnthropicFailure", () => {
  for (const [status, type, message, kind, scope, told] of table) {
    it(`reads ${status} ${type}: ${message}`, () => {
      const reason = read(status, type, message, { "request-id": "req_up" })
      assert.strictEqual(reason.kind, kind)
      assert.strictEqual(reason.scope, scope)
      assert.strictEqual(reason.requestId, "req_up")
      assert.deepStrictEqual(
        reason.told,
        told ? { ...(own.get(kind) ?? { status, type }), message, details: null } : undefined
      )
    })
  }

  it("knows what is an account's own trouble, though it comes as a mistake of the client", () => {
    const kind = (message: string) => read(400, "invalid_request_error", message).kind
    assert.strictEqual(kind("This organization has been disabled."), "account_suspended")
    assert.strictEqual(
      kind("You have reached your specified API usage limits. You will regain access on 2026-12-01"),
      "overage_request_limit"
    )
    assert.strictEqual(kind("tools.0: the function signature is too long"), "invalid_request")
  })

  it("takes an error for one, whatever its status and its body", () => {
    const told = (status: number, body: string) => {
      const reason = classify(status, {}, body, now)
      return `${reason.kind} ${reason.told?.status ?? "-"} ${reason.told?.type ?? "-"}`
    }
    assert.strictEqual(told(200, bodyOf("overloaded_error", "m")), "model_capacity 529 overloaded_error")
    assert.strictEqual(told(302, ""), "upstream_error - -")
    assert.strictEqual(told(413, "<html>"), "client_error 413 request_too_large")
    assert.strictEqual(told(422, "<html>"), "client_error 422 invalid_request_error")
    assert.strictEqual(told(404, "<html>"), "upstream_error - -")
    assert.strictEqual(told(503, bodyOf("overloaded_error", "m")), "model_capacity 529 overloaded_error")
    assert.strictEqual(told(503, bodyOf("timeout_error", "m")), "upstream_error 502 api_error")
  })

  it("keeps what clients recover by", () => {
    const details = { error_code: "thread_not_found" }
    const reason = classify(404, {}, bodyOf("not_found_error", "no such thread", details), now)
    assert.deepStrictEqual(reason.told?.details, details)
  })

  it.prop("makes something of any body", [Arbitrary.schema(Schema.String)], ([body]) => {
    const reason = classify(502, {}, body, now)
    assert.strictEqual(reason.kind, "upstream_error")
    assert.isUndefined(reason.told)
    assert.strictEqual(classifyEvent(body).kind, "upstream_error")
  })

  it("knows how long a limit lasts, by the header or by when it begins anew", () => {
    assert.strictEqual(read(429, "rate_limit_error", "x", { "retry-after": "7" }).retryAfterMs, 7_000)
    const limits = {
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-11-24T12:00:30Z",
      "anthropic-ratelimit-tokens-remaining": "4",
      "anthropic-ratelimit-tokens-reset": "2026-11-24T13:00:00Z"
    }
    assert.strictEqual(read(429, "rate_limit_error", "x", limits).retryAfterMs, 30_000)
    assert.isNull(read(500, "api_error", "x", limits).retryAfterMs)
  })

  it("reads an error in the middle of a stream by its type", () => {
    const event = (type: string) => classifyEvent(bodyOf(type, "m")).kind
    assert.strictEqual(event("overloaded_error"), "model_capacity")
    assert.strictEqual(event("rate_limit_error"), "rate_limit")
    assert.strictEqual(event("api_error"), "upstream_error")
    assert.strictEqual(event("something_new"), "upstream_error")
    assert.isNull(classifyEvent(bodyOf("overloaded_error", "m")).status)
  })

  it("repeats no key", () => {
    const reason = read(401, "authentication_error", "invalid key sk-ant-api03-abcdefgh")
    assert.notInclude(JSON.stringify(reason), "sk-ant-api03")
  })
})
