import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Redacted } from "effect"
import type { ExternalIdpCredential, IdcCredential, OAuthCredential } from "../../../src/message/Credential.ts"
import type { Rule } from "../../../src/simulator/Script.ts"
import { KiroSimulator } from "../../../src/simulator/KiroSimulator.ts"
import { Dispatch, type DispatchRequest, type Sender } from "../../../src/upstream/Dispatch.ts"
import { direct } from "../../../src/message/Egress.ts"
import { refresh } from "../../../src/upstream/kiro/KiroAuth.ts"
import { common, makeRig, optionsFor, social } from "./KiroRig.ts"

const refreshToken = "refresh-token-of-the-test-rig-".padEnd(120, "0")
const clientSecret = "client-secret-of-the-test-rig"
const tokens = { ...common, accessToken: null, refreshToken: Redacted.make(refreshToken), expiresAt: null }

const idc: IdcCredential = {
  ...tokens,
  kind: "idc",
  authRegion: "us-east-1",
  clientId: "client",
  clientSecret: Redacted.make(clientSecret)
}
const external = (more: Partial<ExternalIdpCredential> = {}): ExternalIdpCredential => ({
  ...tokens,
  kind: "external_idp",
  clientId: "client",
  tokenEndpoint: "https://idp.example/oauth2/token",
  issuerUrl: null,
  scopes: "openid offline_access",
  audience: null,
  ...more
})

/**
 * Refreshes against a simulator, to which every https address leads, as a name server and a certificate would.
 *
 * @param provider where the provider says in its discovery document that it is
 */
const refreshed = Effect.fnUntraced(function* (
  credential: OAuthCredential,
  rules: ReadonlyArray<Rule> = [],
  provider = "https://idp.example"
) {
  const simulator = yield* Effect.orDie(KiroSimulator.make({ script: { rules } }))
  const dispatch = (yield* Dispatch).via(direct)
  const asked: Array<string> = []
  const leading = (request: DispatchRequest) => {
    asked.push(request.url.href)
    return { ...request, url: new URL(request.url.pathname, simulator.url) }
  }
  const led: Sender = {
    push: (request, receiver) => dispatch.push(leading(request), receiver),
    collect: (request) =>
      Effect.map(dispatch.collect(leading(request)), (response) => ({
        ...response,
        body: response.body.replaceAll(simulator.url, provider)
      }))
  }
  const { endpoints } = optionsFor("http://127.0.0.1:1")
  const result = yield* Effect.result(
    refresh(led, credential, { endpoints, allowedTokenHosts: ["idp.example"], headers: {} })
  )
  return { result, asked, requests: yield* simulator.requests }
}, Effect.provide(Dispatch.layer))

const succeeded = Effect.fnUntraced(function* (
  credential: OAuthCredential,
  rules: ReadonlyArray<Rule> = [],
  provider?: string
) {
  const { asked, requests, result } = yield* refreshed(credential, rules, provider)
  if (result._tag === "Failure") throw result.failure
  return { tokens: result.success, asked, requests }
})

const failed = Effect.fnUntraced(function* (
  credential: OAuthCredential,
  rules: ReadonlyArray<Rule> = [],
  provider?: string
) {
  const { asked, result } = yield* refreshed(credential, rules, provider)
  if (result._tag === "Success") throw new Error("the refresh succeeded")
  const told = JSON.stringify(result.failure) + String(result.failure)
  assert.notInclude(told, refreshToken)
  assert.notInclude(told, clientSecret)
  return { failure: result.failure, asked }
})

const answering = (value: unknown): Rule => ({ operation: "refresh", steps: [{ json: value }] })
const refusing = (status: number, body: unknown): Rule => ({
  operation: "refresh",
  steps: [{ http: { status, body } }]
})

describe("refresh", () => {
  it.live("of a social sign-in sends the refresh token alone", () =>
    Effect.gen(function* () {
      const { requests, tokens } = yield* succeeded(social())
      assert.deepStrictEqual(JSON.parse(requests[0]?.body ?? ""), { refreshToken })
      assert.isNotNull(tokens.refreshToken)
      assert.isNull(tokens.tokenEndpoint)
      const now = yield* Clock.currentTimeMillis
      assert.closeTo(DateTime.toEpochMillis(tokens.expiresAt) - now, 3_600_000, 60_000)
    })
  )

  it.live("of an IAM Identity Center sign-in sends the client's id and secret", () =>
    Effect.gen(function* () {
      const { requests } = yield* succeeded(idc)
      assert.deepStrictEqual(JSON.parse(requests[0]?.body ?? ""), {
        clientId: "client",
        clientSecret,
        refreshToken,
        grantType: "refresh_token"
      })
    })
  )

  it.live("of an external identity provider sends a form to its own endpoint", () =>
    Effect.gen(function* () {
      const { asked, requests, tokens } = yield* succeeded(external({ audience: "api" }))
      assert.deepStrictEqual(asked, ["https://idp.example/oauth2/token"])
      assert.strictEqual(requests[0]?.headers["content-type"], "application/x-www-form-urlencoded")
      assert.deepStrictEqual(Object.fromEntries(new URLSearchParams(requests[0]?.body)), {
        grant_type: "refresh_token",
        refresh_token: refreshToken,
        client_id: "client",
        scope: "openid offline_access",
        audience: "api"
      })
      assert.strictEqual(tokens.tokenEndpoint, "https://idp.example/oauth2/token")
    })
  )

  it.live("finds an external provider's endpoint by its issuer", () =>
    Effect.gen(function* () {
      const credential = external({ tokenEndpoint: null, issuerUrl: "https://idp.example/" })
      const { asked, tokens } = yield* succeeded(credential)
      assert.deepStrictEqual(asked, [
        "https://idp.example/.well-known/openid-configuration",
        "https://idp.example/oauth2/token"
      ])
      assert.strictEqual(tokens.tokenEndpoint, "https://idp.example/oauth2/token")
    })
  )

  it.live("takes what is given and supposes an hour where no lifetime is", () =>
    Effect.gen(function* () {
      const { tokens } = yield* succeeded(social(), [answering({ accessToken: "a", profileArn: "arn" })])
      assert.strictEqual(Redacted.value(tokens.accessToken), "a")
      assert.isNull(tokens.refreshToken)
      assert.strictEqual(tokens.profileArn, "arn")
      const now = yield* Clock.currentTimeMillis
      assert.closeTo(DateTime.toEpochMillis(tokens.expiresAt) - now, 3_600_000, 60_000)
    })
  )

  it.live("believes no lifetime that is no lifetime", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const expiresIn of [1e300, -5]) {
        const { tokens } = yield* succeeded(social(), [answering({ accessToken: "a", refreshToken: "", expiresIn })])
        assert.isNull(tokens.refreshToken)
        assert.isBelow(DateTime.toEpochMillis(tokens.expiresAt) - now, 500 * 86_400_000)
      }
    })
  )
})

describe("a refresh that fails", () => {
  const refusals: ReadonlyArray<readonly [string, ReadonlyArray<Rule>, string]> = [
    ["a used up grant", [{ operation: "refresh", fail: "invalid_grant" }], "rejected"],
    ["an expired client registration", [{ operation: "refresh", fail: "invalid_client" }], "rejected"],
    ["an unauthorised client", [refusing(400, { error: "unauthorized_client" })], "rejected"],
    ["too many requests", [{ operation: "refresh", fail: "slow_down" }], "unavailable"],
    ["too many requests, whatever the error says", [refusing(429, { error: "invalid_grant" })], "unavailable"],
    ["a provider that is down", [{ operation: "refresh", fail: "unavailable" }], "unavailable"],
    ["a connection that breaks", [{ operation: "refresh", fail: "network" }], "unavailable"],
    ["a refusal in other words", [refusing(400, { message: "invalid_grant, they say" })], "refused"],
    ["a refusal that is no JSON", [refusing(403, "<html>")], "refused"],
    ["a refusal with odd members", [refusing(400, { error: { code: 1 }, message: "odd" })], "refused"],
    ["a redirect", [{ operation: "refresh", fail: "redirect" }], "refused"],
    ["an answer without a token", [answering({ expiresIn: 5 })], "refused"],
    ["an answer with an empty token", [answering({ accessToken: "" })], "refused"],
    ["an answer that is no object", [answering(["a"])], "refused"]
  ]

  for (const [name, rules, kind] of refusals) {
    it.live(`by ${name} is ${kind}`, () =>
      Effect.gen(function* () {
        for (const credential of [social(), idc, external()]) {
          assert.strictEqual((yield* failed(credential, rules)).failure.kind, kind)
        }
      })
    )
  }

  it.live("never tells the secrets that the provider repeats", () =>
    Effect.gen(function* () {
      const said = refusing(400, { error_description: `no ${refreshToken} or ${clientSecret}` })
      assert.strictEqual((yield* failed(idc, [said])).failure.detail, "no <redacted> or <redacted>")
    })
  )

  it.live("for an incomplete token sends nothing", () =>
    Effect.gen(function* () {
      for (const token of ["", "short", `${"x".repeat(60)}...${"x".repeat(60)}`]) {
        const { asked, failure } = yield* failed(social({ refreshToken: Redacted.make(token) }))
        assert.strictEqual(failure.kind, "incomplete")
        assert.deepStrictEqual(asked, [])
      }
    })
  )

  it.live("for an address that the operator does not trust sends nothing", () =>
    Effect.gen(function* () {
      for (const tokenEndpoint of [
        "https://other.example/token",
        "http://idp.example/token",
        "https://user:pass@idp.example/token",
        "https://idp.example.evil.example/token",
        "no address"
      ]) {
        const { asked, failure } = yield* failed(external({ tokenEndpoint }))
        assert.strictEqual(failure.kind, "refused")
        assert.deepStrictEqual(asked, [])
      }
      const issuer = yield* failed(external({ tokenEndpoint: null, issuerUrl: "https://other.example" }))
      assert.deepStrictEqual(issuer.asked, [])
      assert.strictEqual((yield* failed(external({ tokenEndpoint: null }))).failure.kind, "refused")
    })
  )

  it.live("for an endpoint that discovery names and the operator does not trust sends no token there", () =>
    Effect.gen(function* () {
      const credential = external({ tokenEndpoint: null, issuerUrl: "https://idp.example" })
      const { asked, failure } = yield* failed(credential, [], "https://other.example")
      assert.strictEqual(failure.kind, "refused")
      assert.include(failure.detail, "other.example")
      assert.lengthOf(asked, 1)
    })
  )

  it.live("reaches the provider through the upstream's own service too", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      yield* rig.provider.refresh(social(), direct)
      const again = yield* Effect.flip(rig.provider.refresh(social(), direct))
      assert.strictEqual(again.kind, "rejected")
      assert.match((yield* rig.simulator.requests)[0]?.headers["user-agent"] ?? "", /^weir\//)
    })
  )
})
