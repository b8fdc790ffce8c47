import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { KiroSimulator, type Simulator } from "../../src/simulator/KiroSimulator.ts"
import { ask, saying } from "./AwsClient.ts"
import { member, send } from "./ByHand.ts"

const ARN = "arn:aws:codewhisperer:us-east-1:1:profile/ONE"
const simulator = KiroSimulator.make({
  script: {
    accounts: [
      {
        name: "one",
        accessToken: "token-1",
        profileArn: ARN,
        email: "one@example.com",
        subscription: "KIRO PRO+",
        creditLimit: 0.001
      },
      { name: "two", apiKey: "ksk_2", models: ["claude-haiku-4.5", "auto"] }
    ]
  }
})
const get = (server: Simulator, path: string, headers: Record<string, string> = { authorization: "Bearer token-1" }) =>
  send(server, path, { method: "GET", headers })
const key = { authorization: "Bearer ksk_2", tokentype: "API_KEY" }
const ids = (json: unknown) => {
  const models = member(json, "models")
  return Array.isArray(models) ? models.map((model) => member(model, "modelId")) : null
}

describe("the list of models", () => {
  it.effect("comes whole, with what each model can", () =>
    Effect.gen(function* () {
      const { json } = yield* get(yield* simulator, "/ListAvailableModels?origin=AI_EDITOR")
      assert.include(ids(json) ?? [], "claude-sonnet-4.5")
      assert.isNull(member(json, "nextToken"))
      assert.strictEqual(member(json, "models", 0, "tokenLimits", "maxInputTokens"), 200_000)
    })
  )

  it.effect("comes in pages that add up to it", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const whole = ids((yield* get(server, "/ListAvailableModels?origin=AI_EDITOR")).json)
      const pages: Array<unknown> = []
      let next: unknown = ""
      while (next !== null) {
        const token = next === "" ? "" : `&nextToken=${String(next)}`
        const { json } = yield* get(server, `/ListAvailableModels?origin=AI_EDITOR&maxResults=5${token}`)
        pages.push(...(ids(json) ?? []))
        next = member(json, "nextToken")
      }
      assert.deepStrictEqual(pages, whole)
    })
  )

  it.effect("is each caller's own", () =>
    Effect.gen(function* () {
      const { json } = yield* get(yield* simulator, "/ListAvailableModels?origin=AI_EDITOR", key)
      assert.sameMembers([...(ids(json) ?? [])], ["claude-haiku-4.5", "auto"])
    })
  )

  it.effect("is refused without an origin, and without a token", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      assert.strictEqual((yield* get(server, "/ListAvailableModels")).status, 400)
      assert.strictEqual((yield* get(server, "/ListAvailableModels?origin=AI_EDITOR", {})).status, 403)
    })
  )

  it.effect("fails as its rule says, for whom it says, so often as it says", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      yield* server.setScript({ rules: [{ operation: "models", credential: "two", failFirst: 1, fail: "internal" }] })
      assert.strictEqual((yield* get(server, "/ListAvailableModels?origin=AI_EDITOR")).status, 200)
      assert.strictEqual((yield* get(server, "/ListAvailableModels?origin=AI_EDITOR", key)).status, 500)
      assert.strictEqual((yield* get(server, "/ListAvailableModels?origin=AI_EDITOR", key)).status, 200)
    })
  )
})

describe("the profiles", () => {
  it.effect("are the account's own, or none", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const list = (headers: Record<string, string>) => send(server, "/ListAvailableProfiles", { headers, body: "{}" })
      assert.deepStrictEqual((yield* list({ authorization: "Bearer token-1" })).json, {
        profiles: [{ arn: ARN, profileName: "one" }]
      })
      assert.deepStrictEqual((yield* list(key)).json, { profiles: [] })
    })
  )
})

describe("the usage limits", () => {
  it.effect("show the plan, the limit, and what calls have cost", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      const path = "/getUsageLimits?origin=AI_EDITOR&resourceType=CREDIT&isEmailRequired=true"
      const before = yield* get(server, path)
      assert.strictEqual(member(before.json, "subscriptionInfo", "subscriptionTitle"), "KIRO PRO+")
      assert.strictEqual(member(before.json, "userInfo", "email"), "one@example.com")
      assert.strictEqual(member(before.json, "usageBreakdownList", 0, "currentUsageWithPrecision"), 0)
      assert.strictEqual(member(before.json, "usageBreakdownList", 0, "usageLimitWithPrecision"), 0.001)
      const heard = yield* ask(server, saying("hello"))
      const credits = heard.events.find((event) => event.meteringEvent !== undefined)?.meteringEvent?.usage
      const after = yield* get(server, path)
      assert.strictEqual(member(after.json, "usageBreakdownList", 0, "currentUsageWithPrecision"), credits)
    })
  )

  it.effect("once used up refuse further calls", () =>
    Effect.gen(function* () {
      const server = yield* simulator
      yield* ask(server, saying("x".repeat(4_000)))
      const { thrown } = yield* ask(server, saying("hello"))
      assert.deepInclude(thrown, { name: "ServiceQuotaExceededException", reason: "MONTHLY_REQUEST_COUNT" })
    })
  )

  it.effect("are refused for a resource outside the enum", () =>
    Effect.gen(function* () {
      const answer = yield* get(yield* simulator, "/getUsageLimits?origin=AI_EDITOR&resourceType=GOLD")
      assert.strictEqual(answer.status, 400)
    })
  )
})
