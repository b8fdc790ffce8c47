import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import type { Credential } from "../../src/message/Credential.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import type { Lease } from "../../src/message/Lease.ts"
import { UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"
import * as Upstreams from "../../src/upstream/Upstreams.ts"
import { credentialBase } from "../support/Credentials.ts"

const anthropic = UpstreamId.make("anthropic")
const asked: Array<string> = []

const provider = (name: string) =>
  Effect.map(UpstreamProvider, (found) => found).pipe(
    Effect.provide(
      Layer.mock(UpstreamProvider)({
        answersWhole: () => true,
        discoverProfile: () => Effect.sync(() => String(asked.push(name)))
      })
    )
  )

const leaseOf = (credential: Credential): Lease => ({
  credential,
  token: Redacted.make("secret"),
  egress: { kind: "direct" },
  why: {
    because: "test",
    counts: { eligible: 1, cooldown: 0, disabled: 0, full: 0, model: 0, group: 0, tried: 0 },
    credentials: []
  }
})

const key = Redacted.make("secret")
const base = { ...credentialBase("a"), upstream: anthropic }
const own = leaseOf({ ...base, kind: "anthropic", scheme: "bearer", secret: key })
const foreign = leaseOf({ ...base, kind: "api_key", apiKey: key })
const nowhere = leaseOf({
  ...base,
  upstream: UpstreamId.make("gone"),
  kind: "anthropic",
  scheme: "bearer",
  secret: key
})

const layer = Upstreams.layer(
  Effect.map(
    provider("anthropic"),
    (provider) => new Map([[anthropic, { provider, kinds: new Set<Credential["kind"]>(["anthropic"]) }]])
  )
)

describe("Upstreams", () => {
  it.effect("asks the credential's own upstream, and none of another kind", () =>
    Effect.gen(function* () {
      const upstreams = yield* UpstreamProvider
      yield* upstreams.discoverProfile(own)
      assert.deepStrictEqual(asked, ["anthropic"])
      for (const lease of [foreign, nowhere]) {
        const { reason } = yield* Effect.flip(upstreams.discoverProfile(lease))
        assert.strictEqual(reason.kind, "auth")
        assert.include(reason.message, lease.credential.upstream)
        assert.isFalse(
          upstreams.answersWhole(
            { request: { model: "m", max_tokens: 1, messages: [{ role: "user", content: "" }] } },
            lease
          )
        )
      }
      assert.deepStrictEqual(asked, ["anthropic"])
    }).pipe(Effect.provide(layer))
  )
})
