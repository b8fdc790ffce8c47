import { assert, describe, it } from "@effect/vitest"
import { CredentialPoolError } from "../../src/credential/CredentialPoolError.ts"
import { ExchangeError } from "../../src/exchange/ExchangeError.ts"
import { fromExchange } from "../../src/exchange/ErrorAnswer.ts"
import { errorBody, errorHeaders } from "../../src/http/ErrorResponse.ts"
import { FailureKind, type FailureReason } from "../../src/message/FailureReason.ts"

const upstream = (kind: FailureKind, retryAfterMs: number | null = null) => {
  const failure: FailureReason = {
    kind,
    scope: "none",
    status: null,
    message: "words",
    retryAfterMs,
    directoryKey: null
  }
  return fromExchange(new ExchangeError({ reason: { _tag: "Upstream", failure } }))
}
const pool = (reason: CredentialPoolError["reason"]) =>
  fromExchange(new ExchangeError({ reason: { _tag: "Pool", pool: new CredentialPoolError({ reason }).reason } }))

describe("what a client is told", () => {
  it("of each failure upstream is a status and the type that belongs to it", () => {
    const told = Object.fromEntries(
      FailureKind.literals.map((kind) => {
        const { status, type } = upstream(kind)
        return [kind, `${status} ${type}`]
      })
    )
    assert.deepStrictEqual(told, {
      key_rejected: "502 api_error",
      forbidden: "502 api_error",
      network: "502 api_error",
      timeout: "504 timeout_error",
      upstream_error: "502 api_error",
      stream_broken: "502 api_error",
      rate_limit: "429 rate_limit_error",
      overage_request_limit: "429 rate_limit_error",
      quota_exceeded: "529 overloaded_error",
      suspicious_activity: "429 rate_limit_error",
      account_suspended: "502 api_error",
      token_rejected: "502 api_error",
      auth: "502 api_error",
      model_capacity: "529 overloaded_error",
      invalid_model: "404 not_found_error",
      invalid_conversation: "400 invalid_request_error",
      prompt_too_long: "400 invalid_request_error",
      invalid_signature: "400 invalid_request_error",
      document_refused: "400 invalid_request_error",
      invalid_request: "400 invalid_request_error",
      client_error: "502 api_error"
    })
  })

  it("is never about a credential's own key: 401 and 403 are the client's", () => {
    for (const kind of FailureKind.literals) assert.notInclude([401, 403], upstream(kind).status)
  })

  it("of a pool without anybody free says when to come again", () => {
    const cooling = pool({ _tag: "Cooling", limited: true, retryAfterMs: 90_500 })
    assert.strictEqual(cooling.status, 429)
    assert.deepStrictEqual(errorHeaders(cooling), { "retry-after": "91" })
    assert.strictEqual(pool({ _tag: "Cooling", limited: false, retryAfterMs: 5_000 }).status, 529)
    const full = pool({ _tag: "Full", because: "queue_full", retryAfterMs: 0 })
    assert.deepStrictEqual([full.status, errorHeaders(full)], [529, { "retry-after": "1" }])
    assert.strictEqual(pool({ _tag: "NoneEnabled" }).status, 529)
  })

  it("of a conversation whose account is gone is that it is not found, without a time to come again", () => {
    const { retryAfterMs, status, type } = pool({ _tag: "Gone" })
    assert.deepStrictEqual({ retryAfterMs, status, type }, { retryAfterMs: null, status: 404, type: "not_found_error" })
  })

  it("of a quota that is used up everywhere is 402, without a time to come again", () => {
    const { retryAfterMs, status, type } = pool({ _tag: "OutOfQuota" })
    assert.deepStrictEqual({ retryAfterMs, status, type }, { retryAfterMs: null, status: 402, type: "billing_error" })
  })

  it("of a prompt that is too long begins as Claude Code expects it", () => {
    assert.match(upstream("prompt_too_long").message, /^prompt is too long/)
  })

  it("of a thread that is not kept has the code from which SDKs recover", () => {
    const error = fromExchange(new ExchangeError({ reason: { _tag: "ThreadNotFound" } }))
    assert.deepStrictEqual(errorBody(error, "req_1"), {
      type: "error",
      error: {
        type: "not_found_error",
        message: "no thread is kept here that goes on from this message",
        details: { error_code: "thread_not_found" }
      },
      request_id: "req_1"
    })
  })
})
