/**
 * AccountRoutes: what a caller may use and has used: models, profiles, usage limits.
 *
 * **Source:** AWS `ListAvailableModels`, `ListAvailableProfiles`, `GetUsageLimits`.
 */
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { improper } from "./AwsError.ts"
import { answerJson, authenticate, type Call, namesOf, perform, refuse, serve } from "./Call.ts"
import type { KiroState } from "./KiroState.ts"
import { isOrigin } from "./KiroShape.ts"
import { silent } from "./RuleBook.ts"
import type { Operation } from "./Script.ts"
import type { Account, Caller } from "./SimulatedAccount.ts"

const RESOURCES: ReadonlyArray<string> = ["AGENTIC_REQUEST", "CREDIT", "SPEC", "VIBE"]
/** Credits a month of an account without a limit, as it is shown. */
const SHOWN_LIMIT = 1_000
const DAY_SECONDS = 86_400

/** The routes, for one simulator. */
export const accountRoutes = (state: KiroState) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/ListAvailableModels", serve(state, "models", withOrigin("models", listModels))),
    HttpRouter.add("POST", "/ListAvailableProfiles", serve(state, "profiles", asCaller("profiles", listProfiles))),
    HttpRouter.add("GET", "/getUsageLimits", serve(state, "usage", withOrigin("usage", getUsageLimits)))
  )

type Answer = (call: Call, caller: Caller) => Effect.Effect<void>

const asCaller = (operation: Operation, usual: Answer) =>
  Effect.fnUntraced(function* (call: Call) {
    const caller = yield* authenticate(call)
    if (caller === null) return
    const situation = { operation, credentials: namesOf(caller), model: null, prompt: silent }
    yield* perform(call, situation, () => usual(call, caller))
  })

const withOrigin = (operation: Operation, usual: Answer) =>
  asCaller(operation, (call, caller) =>
    isOrigin(call.query.get("origin"))
      ? usual(call, caller)
      : refuse(call, improper("the query needs an origin of the enum"))
  )

const listModels: Answer = (call, caller) => {
  const models = call.state.modelsOf(caller.account)
  const from = Number(call.query.get("nextToken") ?? 0)
  const count = Number(call.query.get("maxResults") ?? models.length)
  if (!Number.isInteger(from) || from < 0 || !Number.isInteger(count) || count < 0) {
    return refuse(call, improper("nextToken or maxResults is none"))
  }
  const page = models.slice(from, from + Math.max(1, count))
  const next = from + page.length
  return answerJson(call, {
    defaultModel: { modelId: models[0]?.modelId ?? "auto" },
    models: page,
    nextToken: next < models.length ? String(next) : null
  })
}

const listProfiles: Answer = (call, { account }) =>
  answerJson(call, {
    profiles: account.profileArn === undefined ? [] : [{ arn: account.profileArn, profileName: account.name }]
  })

const getUsageLimits: Answer = (call, { account }) => {
  const resource = call.query.get("resourceType")
  if (resource !== null && !RESOURCES.includes(resource))
    return refuse(call, improper("resourceType is not of the enum"))
  const used = call.state.accounts.creditsUsed(account)
  const limit = account.creditLimit ?? SHOWN_LIMIT
  const nextDateReset = Math.floor(call.now / 1_000) + 12 * DAY_SECONDS
  return answerJson(call, {
    daysUntilReset: 12,
    nextDateReset,
    subscriptionInfo: {
      type: "Q_DEVELOPER_STANDALONE_PRO",
      subscriptionTitle: account.subscription ?? "KIRO PRO",
      upgradeCapability: "UPGRADE_CAPABLE",
      overageCapability: "OVERAGE_INCAPABLE",
      subscriptionManagementTarget: "MANAGE"
    },
    overageConfiguration: { overageStatus: "DISABLED" },
    userInfo: userInfo(account, call.query.get("isEmailRequired") === "true"),
    usageBreakdownList: [
      {
        resourceType: "CREDIT",
        displayName: "Credit",
        unit: "INVOCATIONS",
        currency: "USD",
        currentUsage: Math.floor(used),
        currentUsageWithPrecision: used,
        usageLimit: Math.floor(limit),
        usageLimitWithPrecision: limit,
        currentOverages: 0,
        currentOveragesWithPrecision: 0,
        overageCharges: 0,
        overageRate: 0.04,
        overageCap: 0,
        nextDateReset,
        bonuses: []
      }
    ]
  })
}

const userInfo = (account: Account, withEmail: boolean) =>
  withEmail && account.email !== undefined ? { userId: account.name, email: account.email } : { userId: account.name }
