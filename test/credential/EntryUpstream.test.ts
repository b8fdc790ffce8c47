import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Upstream } from "../../src/config/UpstreamSettings.ts"
import { takesCredentials, upstreamFor } from "../../src/credential/EntryUpstream.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { anthropicUpstream, kiroUpstream } from "../support/Credentials.ts"

const sandbox: Upstream = { id: UpstreamId.make("box"), kind: "sandbox" }
const all = [sandbox, kiroUpstream("k1"), anthropicUpstream("a1"), kiroUpstream("k2"), anthropicUpstream("a2")]

const chosen = (kind: "kiro" | "anthropic", upstream: unknown, upstreams: ReadonlyArray<Upstream> = all) =>
  Result.match(upstreamFor(new Map(upstream === undefined ? [] : [["upstream", upstream]]), upstreams, kind), {
    onSuccess: ({ id }) => id,
    onFailure: (problem) => problem
  })

describe("the upstream of an entry", () => {
  it("is the first of its kind where the entry names none", () => {
    assert.strictEqual(chosen("kiro", undefined), "k1")
    assert.strictEqual(chosen("anthropic", undefined), "a1")
  })

  it("is the one that the entry names", () => {
    assert.strictEqual(chosen("kiro", "k2"), "k2")
    assert.strictEqual(chosen("anthropic", " a2 "), "a2")
  })

  it("is refused by name where it is not configured or of another kind", () => {
    assert.strictEqual(chosen("kiro", "k3"), "upstream: there is no upstream k3 in the configuration")
    assert.strictEqual(
      chosen("anthropic", "k1"),
      "upstream: k1 is of kind kiro, and this credential needs one of kind anthropic"
    )
    assert.strictEqual(
      chosen("kiro", "box"),
      "upstream: box is of kind sandbox, and this credential needs one of kind kiro"
    )
    assert.strictEqual(chosen("kiro", 1), "upstream must be a string")
    assert.strictEqual(chosen("kiro", "a\u0000b"), "upstream must be printable ASCII")
  })

  it("is refused where none of its kind is configured", () => {
    assert.strictEqual(chosen("anthropic", undefined, [sandbox, kiroUpstream("k")]), none("anthropic"))
    assert.strictEqual(chosen("kiro", undefined, [anthropicUpstream("a")]), none("kiro"))
  })

  it("is there for some credential as soon as one upstream is called with any", () => {
    assert.isFalse(takesCredentials([sandbox]))
    assert.isTrue(takesCredentials([sandbox, anthropicUpstream("a")]))
    assert.isTrue(takesCredentials([kiroUpstream("k")]))
  })
})

const none = (kind: string) => `there is no upstream of kind ${kind} in the configuration`
