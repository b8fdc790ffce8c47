import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Rule } from "../../../src/simulator/Script.ts"
import type { DispatchRequest } from "../../../src/upstream/Dispatch.ts"
import { discoverProfile } from "../../../src/upstream/kiro/KiroModels.ts"
import { accessToken, leaseOf, makeRig, optionsFor, social } from "./KiroRig.ts"

const profileArn = "arn:aws:codewhisperer:eu-central-1:111122223333:profile/ABCDEF"
const json = (operation: "models" | "profiles" | "usage", value: unknown, more: Partial<Rule> = {}): Rule => ({
  operation,
  steps: [{ json: value }],
  ...more
})

describe("listModels", () => {
  it.live("gives names, limits and caching as the upstream tells them", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      const models = yield* rig.provider.listModels(leaseOf())
      assert.isAbove(models.length, 1)
      assert.isTrue(models.every(({ id, name }) => id !== "" && name !== ""))
      assert.isTrue(models.some(({ promptCaching }) => (promptCaching?.minimumTokens ?? 0) > 0))
      assert.isTrue(models.some(({ maxInputTokens }) => (maxInputTokens ?? 0) >= 200_000))
    })
  )

  it.live("reads every page, each model once", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        rules: [
          json(
            "models",
            { models: [{ modelId: "a" }, { modelId: "b", modelName: "B" }], nextToken: "2" },
            { times: 1 }
          ),
          json("models", { models: [{ modelId: "b" }, { modelId: "c" }], nextToken: null })
        ]
      })
      const models = yield* rig.provider.listModels(leaseOf(social({ profileArn })))
      assert.deepStrictEqual(
        models.map(({ id, name }) => [id, name]),
        [
          ["a", "a"],
          ["b", "B"],
          ["c", "c"]
        ]
      )
      const [first, second] = yield* rig.simulator.requests
      assert.notInclude(first?.path, "nextToken")
      assert.include(second?.path, "nextToken=2")
      assert.include(second?.path, `profileArn=${encodeURIComponent(profileArn)}`)
      assert.strictEqual(second?.headers["x-amzn-kiro-profile-arn"], profileArn)
    })
  )

  it.live("gives up on pages without an end, and ends at an empty token", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [json("models", { models: [], nextToken: "again" })] })
      yield* rig.provider.listModels(leaseOf())
      assert.lengthOf(yield* rig.simulator.requests, 10)
      yield* rig.simulator.clear
      yield* rig.simulator.setScript({ rules: [json("models", { models: [], nextToken: "" })] })
      yield* rig.provider.listModels(leaseOf())
      assert.lengthOf(yield* rig.simulator.requests, 1)
    })
  )

  it.live("fails by the kinds of any call", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({
        rules: [{ operation: "models", times: 1, fail: "bearer_invalid" }, json("models", [])]
      })
      const rejected = yield* Effect.flip(rig.provider.listModels(leaseOf(social())))
      assert.strictEqual(rejected.reason.kind, "token_rejected")
      const odd = yield* Effect.flip(rig.provider.listModels(leaseOf(social())))
      assert.strictEqual(odd.reason.kind, "upstream_error")
      assert.notInclude(JSON.stringify([rejected, odd]), accessToken)
    })
  )
})

describe("discoverProfile", () => {
  it.live("gives the first profile that has an ARN", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [json("profiles", { profiles: [{ arn: "" }, { arn: profileArn }] })] })
      assert.strictEqual(yield* rig.provider.discoverProfile(leaseOf(social())), profileArn)
    })
  )

  it.live("gives null where the account has none", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig()
      assert.isNull(yield* rig.provider.discoverProfile(leaseOf(social())))
      assert.lengthOf(yield* rig.simulator.requests, 1)
    })
  )

  it.effect("asks region after region, each once, and takes the first that knows one", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const answers = [
        { status: 403, body: "{}" },
        { status: 200, body: '{"profiles":[]}' },
        { status: 200, body: JSON.stringify({ profiles: [{ arn: profileArn }] }) }
      ]
      const collect = (request: DispatchRequest) =>
        Effect.sync(() => {
          asked.push(request.url.href)
          return { headers: {}, ...(answers[asked.length - 1] ?? { status: 500, body: "" }) }
        })
      const options = optionsFor("https://q.{region}.example")
      const lease = leaseOf(social({ authRegion: "us-west-2", apiRegion: "us-east-1" }))
      const found = yield* discoverProfile({ collect, push: collect }, options, lease)
      assert.strictEqual(found, profileArn)
      assert.deepStrictEqual(
        asked,
        ["us-east-1", "us-west-2", "eu-central-1"].map((region) => `https://q.${region}.example/ListAvailableProfiles`)
      )
    })
  )

  it.live("fails where no region answers", () =>
    Effect.gen(function* () {
      const rig = yield* makeRig({ rules: [{ operation: "profiles", fail: "internal" }] })
      const { reason } = yield* Effect.flip(rig.provider.discoverProfile(leaseOf(social())))
      assert.strictEqual(reason.kind, "upstream_error")
    })
  )
})

describe("balance", () => {
  it.live("is what the upstream tells of the account", () =>
    Effect.gen(function* () {
      const account = {
        name: "a",
        accessToken,
        creditLimit: 50,
        creditsUsed: 10.5,
        email: "a@example.com",
        subscription: "KIRO PRO+"
      }
      const rig = yield* makeRig({ accounts: [account] })
      const balance = yield* rig.provider.balance(leaseOf(social({ accessToken: Redacted.make(accessToken) })))
      assert.deepInclude(balance, {
        used: 10.5,
        limit: 50,
        remaining: 39.5,
        subscription: "KIRO PRO+",
        email: "a@example.com"
      })
      assert.isAbove(balance.resetsAt ?? 0, 1_600_000_000_000)
    })
  )

  it.live("counts an active trial and active bonuses, of the credits' entry", () =>
    Effect.gen(function* () {
      const entry = {
        resourceType: "CREDIT",
        currentUsage: 10,
        currentUsageWithPrecision: 10.5,
        usageLimit: 100,
        freeTrialInfo: { freeTrialStatus: "ACTIVE", currentUsage: 1, usageLimit: 500 },
        bonuses: [
          { status: "ACTIVE", currentUsage: 1.5, usageLimit: 20 },
          { status: "EXPIRED", currentUsage: 9, usageLimit: 90 }
        ]
      }
      const list = [{ resourceType: "VIBE", currentUsage: 3, usageLimit: 4 }, entry]
      const rig = yield* makeRig({ rules: [json("usage", { usageBreakdownList: list, nextDateReset: 1767225600.5 })] })
      assert.deepStrictEqual(yield* rig.provider.balance(leaseOf()), {
        subscription: null,
        email: null,
        used: 13,
        limit: 620,
        remaining: 607,
        resetsAt: 1767225600500
      })
    })
  )

  it.live("is never negative, and zero where nothing is told", () =>
    Effect.gen(function* () {
      const over = [{ resourceType: "CREDIT", currentUsage: 12, usageLimit: 10 }]
      const rig = yield* makeRig({
        rules: [json("usage", { usageBreakdownList: over }, { times: 1 }), json("usage", {})]
      })
      assert.strictEqual((yield* rig.provider.balance(leaseOf())).remaining, 0)
      assert.deepInclude(yield* rig.provider.balance(leaseOf()), { used: 0, limit: 0, remaining: 0, resetsAt: null })
    })
  )
})
