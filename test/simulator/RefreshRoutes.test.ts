import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { KiroSimulator, type Simulator } from "../../src/simulator/KiroSimulator.ts"
import { generate, member, send } from "./ByHand.ts"

const OLD = "r".repeat(100)
const simulator = KiroSimulator.make({
  script: {
    accounts: [
      {
        name: "one",
        refreshToken: OLD,
        clientId: "c",
        clientSecret: "s",
        profileArn: "arn:aws:codewhisperer:us-east-1:1:profile/ONE",
        expiresIn: 600
      }
    ]
  }
})
const hello = {
  conversationState: { chatTriggerType: "MANUAL", currentMessage: { userInputMessage: { content: "hi" } } }
}

const json = { "content-type": "application/json" }
const social = (server: Simulator, refreshToken: string) =>
  send(server, "/refreshToken", { headers: json, body: JSON.stringify({ refreshToken }) })
const idc = (server: Simulator, refreshToken: string, rest: object = {}) =>
  send(server, "/token", {
    headers: json,
    body: JSON.stringify({ clientId: "c", clientSecret: "s", grantType: "refresh_token", refreshToken, ...rest })
  })
const external = (server: Simulator, refreshToken: string) =>
  send(server, "/oauth2/token", {
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken, client_id: "c" }).toString()
  })

const endpoints = [
  ["Kiro's own sign-in", social, "accessToken", "refreshToken", "expiresIn"],
  ["AWS SSO OIDC", idc, "accessToken", "refreshToken", "expiresIn"],
  ["an external identity provider", external, "access_token", "refresh_token", "expires_in"]
] as const

for (const [what, refresh, accessToken, refreshToken, expiresIn] of endpoints) {
  describe(`a refresh at ${what}`, () => {
    it.effect("gives an access token that works, and the next refresh token", () =>
      Effect.gen(function* () {
        const server = yield* simulator
        const first = yield* refresh(server, OLD)
        assert.deepStrictEqual([first.status, member(first.json, expiresIn)], [200, 600])
        const authorization = `Bearer ${String(member(first.json, accessToken))}`
        assert.strictEqual((yield* generate(server, hello, { authorization })).status, 200)
        const next = String(member(first.json, refreshToken))
        assert.isAtLeast(next.length, 100)
        assert.strictEqual((yield* refresh(server, next)).status, 200)
      })
    )

    it.effect("refuses a refresh token that was used, and counts both tries", () =>
      Effect.gen(function* () {
        const server = yield* simulator
        yield* refresh(server, OLD)
        const again = yield* refresh(server, OLD)
        assert.strictEqual(again.status, 400)
        assert.deepStrictEqual(again.json, {
          error: "invalid_grant",
          error_description: "Invalid refresh token provided"
        })
        assert.strictEqual((yield* server.refreshes).get(OLD), 2)
      })
    )

    it.effect("refuses a token that nobody was given", () =>
      Effect.gen(function* () {
        const answer = yield* refresh(yield* simulator, "x".repeat(100))
        assert.deepStrictEqual([answer.status, member(answer.json, "error")], [400, "invalid_grant"])
      })
    )

    it.effect("leaves the token good when the script makes it fail", () =>
      Effect.gen(function* () {
        const server = yield* simulator
        yield* server.setScript({ rules: [{ operation: "refresh", credential: "one", times: 1, fail: "unavailable" }] })
        assert.strictEqual((yield* refresh(server, OLD)).status, 503)
        assert.strictEqual((yield* refresh(server, OLD)).status, 200)
      })
    )
  })
}

describe("the tokens of a refresh", () => {
  it.effect("expire after the lifetime that was told", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const authorization = `Bearer ${String(member((yield* social(server, OLD)).json, "accessToken"))}`
      yield* TestClock.adjust(Duration.seconds(599))
      assert.strictEqual((yield* generate(server, hello, { authorization })).status, 200)
      yield* TestClock.adjust(Duration.seconds(2))
      const late = yield* generate(server, hello, { authorization })
      assert.deepStrictEqual([late.status, late.type], [403, "AccessDeniedException"])
    })
  )

  it.effect("come with the profile from Kiro's own sign-in", () =>
    Effect.gen(function* () {
      const { json: tokens } = yield* social(yield* simulator, OLD)
      assert.strictEqual(member(tokens, "profileArn"), "arn:aws:codewhisperer:us-east-1:1:profile/ONE")
    })
  )

  it.effect("are refused to a client of another secret", () =>
    Effect.gen(function* () {
      const answer = yield* idc(yield* simulator, OLD, { clientSecret: "wrong" })
      assert.deepStrictEqual([answer.status, member(answer.json, "error")], [401, "invalid_client"])
    })
  )

  it.effect("are not given for a request that is none", () =>
    Effect.gen(function* () {
      const answer = yield* idc(yield* simulator, OLD, { grantType: "authorization_code" })
      assert.deepStrictEqual([answer.status, member(answer.json, "error")], [400, "invalid_request"])
    })
  )

  it.effect("are given once for any token where no accounts are configured", () =>
    Effect.gen(function* () {
      const server = yield* KiroSimulator.make()
      const first = yield* social(server, "anything")
      assert.strictEqual(first.status, 200)
      assert.strictEqual((yield* social(server, "anything")).status, 400)
      assert.strictEqual((yield* social(server, String(member(first.json, "refreshToken")))).status, 200)
    })
  )

  it.effect("are found through the provider's discovery document", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const { json: document } = yield* send(server, "/.well-known/openid-configuration", { method: "GET" })
      assert.strictEqual(member(document, "token_endpoint"), `${server.url}/oauth2/token`)
    })
  )
})
