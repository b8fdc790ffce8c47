/**
 * KiroModels: what an account has: its models, its profile, and what is left of its plan.
 *
 * **Source:** AWS `ListAvailableModels`, `ListAvailableProfiles` and `GetUsageLimits` of the `codewhisperer-runtime` model.
 */
import { Effect, Schema } from "effect"
import type { Lease } from "../../message/Lease.ts"
import type { Sender } from "../Dispatch.ts"
import { broken, failure, type UpstreamFailure } from "../UpstreamFailure.ts"
import type { Balance, UpstreamModel } from "../UpstreamProvider.ts"
import { address, apiRegion, profileRegions } from "./KiroEndpoints.ts"
import { headersOf, type KiroOptions, profileHeaders, rejected } from "./KiroHttp.ts"

/** Longest wait for one of these. Milliseconds. */
const timeoutMs = 30_000
/** Pages of models that are read; the rest is left out. */
const maxPages = 10

const member = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const Models = Schema.fromJsonString(
  Schema.Struct({
    nextToken: member(Schema.String),
    models: Schema.Array(
      Schema.Struct({
        modelId: Schema.String,
        modelName: member(Schema.String),
        tokenLimits: member(
          Schema.Struct({
            maxInputTokens: member(Schema.Number),
            maxOutputTokens: member(Schema.Number)
          })
        ),
        promptCaching: member(
          Schema.Struct({
            supportsPromptCaching: member(Schema.Boolean),
            minimumTokensPerCacheCheckpoint: member(Schema.Number),
            maximumCacheCheckpointsPerRequest: member(Schema.Number)
          })
        )
      })
    )
  })
)
const Profiles = Schema.fromJsonString(
  Schema.Struct({
    profiles: member(Schema.Array(Schema.Struct({ arn: member(Schema.String) })))
  })
)
const Amount = {
  currentUsage: member(Schema.Number),
  currentUsageWithPrecision: member(Schema.Number),
  usageLimit: member(Schema.Number),
  usageLimitWithPrecision: member(Schema.Number)
}
const Limits = Schema.fromJsonString(
  Schema.Struct({
    nextDateReset: member(Schema.Number),
    subscriptionInfo: member(Schema.Struct({ subscriptionTitle: member(Schema.String) })),
    userInfo: member(Schema.Struct({ email: member(Schema.String) })),
    usageBreakdownList: member(
      Schema.Array(
        Schema.Struct({
          ...Amount,
          resourceType: member(Schema.String),
          freeTrialInfo: member(Schema.Struct({ ...Amount, freeTrialStatus: member(Schema.String) })),
          bonuses: member(
            Schema.Array(
              Schema.Struct({
                status: member(Schema.String),
                currentUsage: member(Schema.Number),
                usageLimit: member(Schema.Number)
              })
            )
          )
        })
      )
    )
  })
)

/** The models this account may use, every page of them. */
export const listModels = Effect.fnUntraced(function* (
  dispatch: Sender,
  options: KiroOptions,
  lease: Lease
): Effect.fn.Return<ReadonlyArray<UpstreamModel>, UpstreamFailure> {
  const models = new Map<string, UpstreamModel>()
  let nextToken: string | null = null
  for (let page = 0; page < maxPages; page++) {
    const url: URL = address(
      options.endpoints.api,
      apiRegion(lease.credential, options.endpoints),
      "/ListAvailableModels"
    )
    url.searchParams.set("origin", "AI_EDITOR")
    if (lease.credential.profileArn !== null) url.searchParams.set("profileArn", lease.credential.profileArn)
    if (nextToken !== null) url.searchParams.set("nextToken", nextToken)
    const listed: typeof Models.Type = yield* get(dispatch, url, lease, profileHeaders(lease, options), Models)
    for (const { modelId, modelName, promptCaching: caching, tokenLimits } of listed.models) {
      if (models.has(modelId)) continue
      models.set(modelId, {
        id: modelId,
        name: modelName ?? modelId,
        maxInputTokens: tokenLimits?.maxInputTokens ?? null,
        maxOutputTokens: tokenLimits?.maxOutputTokens ?? null,
        promptCaching:
          caching?.supportsPromptCaching === true
            ? {
                minimumTokens: caching.minimumTokensPerCacheCheckpoint ?? 0,
                maximumPoints: caching.maximumCacheCheckpointsPerRequest ?? 0
              }
            : null,
        info: null
      })
    }
    nextToken = listed.nextToken ?? ""
    if (nextToken === "") break
  }
  return [...models.values()]
})

/** The account's first profile, looked for region by region; null where every region says it has none. */
export const discoverProfile = Effect.fnUntraced(function* (
  dispatch: Sender,
  options: KiroOptions,
  lease: Lease
): Effect.fn.Return<string | null, UpstreamFailure> {
  let last: UpstreamFailure | null = null
  let answered = false
  for (const region of profileRegions(lease.credential, options.endpoints)) {
    const found: { readonly arn: string | null } | UpstreamFailure = yield* dispatch
      .collect({
        url: address(options.endpoints.api, region, "/ListAvailableProfiles"),
        method: "POST",
        headers: { "content-type": "application/json", ...headersOf(lease, options) },
        body: "{}",
        headerTimeoutMs: timeoutMs,
        idleTimeoutMs: timeoutMs
      })
      .pipe(
        Effect.mapError(broken),
        Effect.flatMap((response) =>
          response.status === 200 ? decode(Profiles, response.body) : rejected(response, lease)
        ),
        Effect.map(({ profiles }) => ({ arn: profiles?.find((profile) => (profile.arn ?? "") !== "")?.arn ?? null })),
        Effect.catch((error) => Effect.succeed(error))
      )
    if (!("arn" in found)) last = found
    else if (found.arn !== null) return found.arn
    else answered = true
    // An address without a region is the same place every time.
    if (!options.endpoints.api.includes("{region}")) break
  }
  return answered || last === null ? null : yield* last
})

/** What is left of the plan, trial and bonuses included. */
export const balance = Effect.fnUntraced(function* (
  dispatch: Sender,
  options: KiroOptions,
  lease: Lease
): Effect.fn.Return<Balance, UpstreamFailure> {
  const url = address(options.endpoints.api, apiRegion(lease.credential, options.endpoints), "/getUsageLimits")
  url.searchParams.set("origin", "AI_EDITOR")
  url.searchParams.set("resourceType", "AGENTIC_REQUEST")
  url.searchParams.set("isEmailRequired", "true")
  if (lease.credential.profileArn !== null) url.searchParams.set("profileArn", lease.credential.profileArn)
  const limits = yield* get(dispatch, url, lease, headersOf(lease, options), Limits)
  const entries = limits.usageBreakdownList ?? []
  const entry = entries.find(({ resourceType }) => resourceType === "CREDIT") ?? entries[0]
  const trial = entry?.freeTrialInfo?.freeTrialStatus === "ACTIVE" ? entry.freeTrialInfo : null
  const bonuses = (entry?.bonuses ?? []).filter(({ status }) => status === "ACTIVE")
  const limit = limitOf(entry) + limitOf(trial) + bonuses.reduce((sum, bonus) => sum + (bonus.usageLimit ?? 0), 0)
  const used = usedOf(entry) + usedOf(trial) + bonuses.reduce((sum, bonus) => sum + (bonus.currentUsage ?? 0), 0)
  return {
    subscription: limits.subscriptionInfo?.subscriptionTitle ?? null,
    email: limits.userInfo?.email ?? null,
    used,
    limit,
    remaining: Math.max(0, limit - used),
    resetsAt: limits.nextDateReset == null ? null : limits.nextDateReset * 1000
  }
})

interface AmountLike {
  readonly currentUsage?: number | null
  readonly currentUsageWithPrecision?: number | null
  readonly usageLimit?: number | null
  readonly usageLimitWithPrecision?: number | null
}
const limitOf = (amount: AmountLike | null | undefined) => amount?.usageLimitWithPrecision ?? amount?.usageLimit ?? 0
const usedOf = (amount: AmountLike | null | undefined) => amount?.currentUsageWithPrecision ?? amount?.currentUsage ?? 0

const get = <A>(
  dispatch: Sender,
  url: URL,
  lease: Lease,
  headers: Record<string, string>,
  schema: Schema.Codec<A, string>
): Effect.Effect<A, UpstreamFailure> =>
  dispatch
    .collect({ url, method: "GET", headers, body: null, headerTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs })
    .pipe(
      Effect.mapError(broken),
      Effect.flatMap((response) =>
        response.status === 200 ? decode(schema, response.body) : rejected(response, lease)
      )
    )

const decode = <A>(schema: Schema.Codec<A, string>, body: string): Effect.Effect<A, UpstreamFailure> =>
  Effect.mapError(Schema.decodeEffect(schema)(body), () =>
    failure("upstream_error", "upstream", "the upstream's answer is not what its model says")
  )
