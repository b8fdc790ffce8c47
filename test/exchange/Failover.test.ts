import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Failover, type Verdict } from "../../src/exchange/Failover.ts"
import { FailureKind } from "../../src/message/FailureReason.ts"
import { CredentialId } from "../../src/message/Ids.ts"
import { reasonOf } from "./Fakes.ts"

const a = CredentialId.make("a")
const b = CredentialId.make("b")
const limits = { maxAttempts: 6, maxAttemptsPerCredential: 3 }

/** What follows the first failure of each kind, and whether the same credential may come back. */
const table: Readonly<Record<FailureKind, readonly [Verdict["kind"], same: boolean]>> = {
  network: ["retry", true],
  timeout: ["retry", true],
  upstream_error: ["retry", true],
  stream_broken: ["retry", true],
  model_capacity: ["retry", true],
  rate_limit: ["retry", false],
  key_rejected: ["retry", false],
  forbidden: ["retry", false],
  overage_request_limit: ["retry", false],
  quota_exceeded: ["retry", false],
  suspicious_activity: ["retry", false],
  account_suspended: ["retry", false],
  auth: ["retry", false],
  token_rejected: ["refresh", true],
  invalid_model: ["stop", true],
  invalid_conversation: ["stop", true],
  prompt_too_long: ["stop", true],
  invalid_signature: ["stop", true],
  document_refused: ["stop", true],
  invalid_request: ["stop", true],
  client_error: ["stop", true]
}

describe("Failover", () => {
  for (const kind of FailureKind.literals) {
    const [expected, same] = table[kind]
    it(`${kind}: ${expected}${expected === "retry" ? (same ? ", the same too" : ", never the same") : ""}`, () => {
      const failover = new Failover(limits)
      failover.begin(a)
      assert.strictEqual(failover.judge(a, reasonOf(kind), false).kind, expected)
      assert.strictEqual(failover.mayRetrySame(a), same)
    })
  }

  it.prop("stops whatever happens once the client has content", [FailureKind], ([kind]) => {
    const failover = new Failover(limits)
    failover.begin(a)
    assert.deepStrictEqual(failover.judge(a, reasonOf(kind), true), { kind: "stop" })
  })

  it("renews a token once for each credential, without counting the attempt", () => {
    const failover = new Failover(limits)
    for (const id of [a, b]) {
      failover.begin(id)
      assert.strictEqual(failover.judge(id, reasonOf("token_rejected"), false).kind, "refresh")
      assert.isFalse(failover.tried.has(id))
      assert.strictEqual(failover.attempts, 1)
      failover.renewed(id)
    }
    assert.strictEqual(failover.attempts, 0)
    failover.begin(a)
    assert.strictEqual(failover.judge(a, reasonOf("token_rejected"), false).kind, "retry")
    assert.isTrue(failover.barred.has(a))
  })

  it("bars a credential at its limit, and stops at the request's", () => {
    const failover = new Failover({ maxAttempts: 3, maxAttemptsPerCredential: 2 })
    const fail = (id: CredentialId) => {
      failover.begin(id)
      return failover.judge(id, reasonOf("upstream_error"), false)
    }
    assert.deepStrictEqual(fail(a), { kind: "retry", by: "upstream_error" })
    assert.isTrue(failover.mayReturn)
    assert.deepStrictEqual(fail(a), { kind: "retry", by: "upstream_error" })
    assert.isFalse(failover.mayReturn)
    assert.deepStrictEqual([...failover.barred], [a])
    assert.deepStrictEqual(fail(b), { kind: "stop" })
    assert.isFalse(failover.mayRetrySame(b))
  })

  const Step = Schema.Struct({ kind: FailureKind, second: Schema.Boolean })
  it.prop("never allows more attempts than its limits, whatever fails", [Schema.Array(Step)], ([steps]) => {
    const failover = new Failover(limits)
    const used = new Map<CredentialId, number>()
    for (const { kind, second } of steps) {
      const id = second ? b : a
      if (failover.barred.has(id)) continue
      failover.begin(id)
      const verdict = failover.judge(id, reasonOf(kind), false)
      if (verdict.kind === "refresh") failover.renewed(id)
      else used.set(id, (used.get(id) ?? 0) + 1)
      if (verdict.kind === "stop") break
    }
    assert.isAtMost(failover.attempts, limits.maxAttempts)
    for (const count of used.values()) assert.isAtMost(count, limits.maxAttemptsPerCredential)
  })
})
