/**
 * HotSettings: the sections of the configuration that change while the gateway runs.
 */
import { Schema } from "effect"
import { GroupId, UpstreamId } from "../message/Ids.ts"
import { member } from "./ConfigMember.ts"
import { FiniteDuration } from "./FiniteDuration.ts"
import { ProxySetting } from "./ProxySetting.ts"

const count = (minimum: number, maximum: number) => {
  const expected = `a whole number from ${minimum} to ${maximum}`
  return Schema.Number.check(Schema.isInt({ expected }), Schema.isBetween({ minimum, maximum }, { expected }))
}

/** Which credential serves, how many at a time, and what happens when all are busy. */
export const PoolSettings = Schema.Struct({
  mode: member(
    Schema.Literals(["priority", "balanced"]),
    "priority",
    '"priority": the lowest priority number first; "balanced": the least busy first.'
  ),
  maxInflightPerCredential: member(count(0, 100_000), 4, "Requests at a time on one credential; 0: no limit."),
  maxInflight: member(count(0, 1_000_000), 0, "Requests at a time on the whole gateway; 0: no limit."),
  whenFull: member(
    Schema.Literals(["queue", "reject", "overflow"]),
    "queue",
    'When every permit is taken: "queue" waits up to queueTimeout, "reject" answers 529 at once, ' +
      '"overflow" borrows the best credential without a permit.'
  ),
  queueTimeout: member(FiniteDuration, "30 seconds", "Longest wait for a permit."),
  queueLimit: member(count(0, 100_000), 256, "Requests that may wait; more are answered 529 at once."),
  stickyTtl: member(
    FiniteDuration,
    "1 hour",
    "How long a conversation stays on its credential after its last success."
  ),
  disableAfterFailures: member(count(1, 1_000), 3, "Failures in a row after which a credential is disabled.")
})
export type PoolSettings = typeof PoolSettings.Type

/** How often and how long one client request is tried. */
export const RetrySettings = Schema.Struct({
  maxAttempts: member(count(1, 100), 6, "Upstream calls for one client request."),
  maxAttemptsPerCredential: member(count(1, 100), 3, "Upstream calls for one client request on the same credential."),
  budget: member(
    FiniteDuration,
    "120 seconds",
    "From the first permit, without time in the queue, until the first upstream event."
  ),
  headerTimeout: member(
    FiniteDuration,
    "40 seconds",
    "Longest wait for an upstream's headers; cut to what is left of the budget."
  ),
  idleTimeout: member(FiniteDuration, "90 seconds", "Longest silence of an upstream inside an answer.")
})
export type RetrySettings = typeof RetrySettings.Type

/** How long a credential rests, by what happened. */
export const CooldownSettings = Schema.Struct({
  enabled: member(Schema.Boolean, true, "Whether credentials rest at all."),
  rateLimit: member(FiniteDuration, "120 seconds", "After a 429."),
  upstreamError: member(FiniteDuration, "30 seconds", "After a 5xx or a network failure."),
  timeout: member(FiniteDuration, "30 seconds", "After a timeout."),
  overage: member(FiniteDuration, "10 minutes", "After the plan's limit of overage requests."),
  suspiciousActivity: member(FiniteDuration, "5 minutes", "After the upstream reported suspicious activity."),
  maxRetryAfter: member(FiniteDuration, "5 minutes", "The most that an upstream's retry-after counts for.")
})
export type CooldownSettings = typeof CooldownSettings.Type

/** Prompt caching: what is asked of the upstream, and what is estimated where it says nothing. */
export const CacheSettings = Schema.Struct({
  enabled: member(Schema.Boolean, true, "Whether prompt caching is accounted for."),
  native: member(Schema.Boolean, true, "Whether cache points are passed on to upstreams that know them."),
  estimate: member(Schema.Boolean, true, "Whether cache counts are estimated where the upstream gives none."),
  capacity: member(
    count(1, 1_000_000),
    4096,
    "Prefixes that are known as cached, at most half of them of one credential; the least recently used go first."
  ),
  reportedReadRatio: member(
    Schema.NullOr(
      Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.95 }, { expected: "a number from 0 to 0.95" }))
    ).annotate({ expected: "a number from 0 to 0.95, or null" }),
    null,
    "A steady cache-read share for clients, from 0 to 0.95; disclosed in every answer it changes. null: as measured."
  )
})
export type CacheSettings = typeof CacheSettings.Type

const text = (longest: number, expected: string) =>
  Schema.String.check(Schema.isPattern(new RegExp(`^[^\\s\\u0000-\\u001f]{1,${longest}}$`, "u"), { expected }))
const ModelName = text(256, "a model's name without spaces")

/** Which names a model has, and which upstreams serve it. */
export const ModelSettings = Schema.Struct({
  aliases: member(
    Schema.Record(ModelName, ModelName),
    {},
    "A client's name of a model → the upstream's name of it. Goes before every rule of our own."
  ),
  routes: member(
    Schema.Record(
      ModelName,
      Schema.Array(UpstreamId).check(
        Schema.isMinLength(1, { expected: "at least one upstream" }),
        Schema.makeFilter((upstreams: ReadonlyArray<UpstreamId>) => {
          const at = upstreams.findIndex((upstream, index) => upstreams.indexOf(upstream) < index)
          return at === -1 ? undefined : { path: [at], issue: `the upstream ${upstreams[at]} is named twice` }
        })
      )
    ),
    {},
    "A model's name, in which * stands for anything → the upstreams to ask, in order. The client's name and the " +
      "upstream's are compared, and the pattern with the longest text counts. Default: every upstream, in order."
  )
})
export type ModelSettings = typeof ModelSettings.Type

/** Text that the operator puts around every system prompt. */
export const SystemPromptSettings = Schema.Struct({
  prepend: member(
    Schema.NullOr(Schema.String.check(Schema.isMaxLength(100_000))),
    null,
    "Goes before the client's system prompt; null: nothing."
  ),
  append: member(
    Schema.NullOr(Schema.String.check(Schema.isMaxLength(100_000))),
    null,
    "Goes after the client's system prompt; null: nothing."
  )
})
export type SystemPromptSettings = typeof SystemPromptSettings.Type

const groupPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u

/** Credentials that go out the same way. */
export const Group = Schema.Struct({
  id: Schema.String.check(
    Schema.isPattern(groupPattern, {
      expected: "a name of 1 to 64 letters, digits, dots, dashes and underscores"
    })
  )
    .annotate({ description: "The group's name." })
    .pipe(Schema.decodeTo(GroupId)),
  proxy: member(
    ProxySetting,
    { url: "direct" },
    "The proxy of the group's members. Left out: they go out directly, whatever the gateway's own proxy is."
  )
})
export type Group = typeof Group.Type

/** Every credential group; ids are unique. */
export const Groups = Schema.Array(Group).check(
  Schema.isMaxLength(1_000),
  Schema.makeFilter((groups: ReadonlyArray<Group>) => {
    const at = groups.findIndex((group, index) => groups.findIndex((other) => other.id === group.id) < index)
    return at === -1 ? undefined : { path: [at, "id"], issue: `the group ${groups[at]?.id} is named twice` }
  })
)

/** The hot sections that hold one value per member. */
export const hotSections = {
  pool: PoolSettings,
  retry: RetrySettings,
  cooldown: CooldownSettings,
  cache: CacheSettings,
  models: ModelSettings,
  systemPrompt: SystemPromptSettings
} as const

/** The name of a hot section that holds one value per member. */
export type HotSection = keyof typeof hotSections

/** The current value of everything that changes while the gateway runs. */
export interface HotSettings {
  readonly pool: PoolSettings
  readonly retry: RetrySettings
  readonly cooldown: CooldownSettings
  readonly cache: CacheSettings
  readonly groups: ReadonlyArray<Group>
  readonly models: ModelSettings
  readonly systemPrompt: SystemPromptSettings
}
