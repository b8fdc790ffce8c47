/**
 * Credentials as the admin API shows them and what may be asked of them. Holds no secret.
 */
import { Schema } from "effect"
import { CooldownReason, DisabledReason } from "../message/CredentialState.ts"
import { CredentialId, GroupId, UpstreamId } from "../message/Ids.ts"
import { largestPage, limit, short } from "./PageSchema.ts"

const count = (description: string) => Schema.Int.annotate({ description })

/** RFC 3339 on the wire. */
const Time = Schema.DateTimeUtcFromString.annotate({ format: "date-time" })

export const CredentialKind = Schema.Literals(["api_key", "social", "idc", "external_idp", "anthropic"])

/** Where the proxy of a credential's calls is set; the `_direct` ones say there that no proxy is used. */
export const ProxySource = Schema.Literals([
  "credential",
  "credential_direct",
  "group",
  "group_direct",
  "global",
  "none"
])

export const CooldownView = Schema.Struct({
  until: Time,
  reason: CooldownReason,
  directoryKey: Schema.NullOr(Schema.String).annotate({ description: "The directory that the account belongs to." }),
  scope: Schema.Literals(["credential", "directory"])
})

/** One limit as the upstream told it last. */
export const RateLimitView = Schema.Struct({
  limit: Schema.NullOr(Schema.Finite).annotate({ description: "The most that is allowed in the limit's window." }),
  remaining: Schema.NullOr(Schema.Finite),
  resetsAt: Schema.NullOr(Time)
})

/** One credential at one moment. */
export const CredentialView = Schema.Struct({
  id: CredentialId,
  upstream: UpstreamId,
  kind: CredentialKind,
  label: Schema.NullOr(Schema.String),
  email: Schema.NullOr(Schema.String),
  priority: Schema.Finite.annotate({ description: "Lower is preferred." }),
  disabled: Schema.Boolean,
  disabledReason: Schema.NullOr(DisabledReason),
  inflight: count("Requests that it serves now."),
  permits: Schema.Struct({
    limit: Schema.NullOr(Schema.Int).annotate({ description: "Requests at a time; null: no limit." }),
    outstanding: count("Permits that are taken.")
  }),
  successCount: count("Requests that it has served."),
  failureCount: count("Failures in a row that count towards disabling it."),
  refreshFailureCount: count("Refreshes in a row that were refused."),
  transientFailureCount: count("Failures that only made it rest."),
  lastUsedAt: Schema.NullOr(Time),
  expiresAt: Schema.NullOr(Time).annotate({ description: "When its token expires; null for a key." }),
  group: Schema.NullOr(GroupId),
  proxySource: ProxySource,
  cooldown: Schema.NullOr(CooldownView),
  subscription: Schema.NullOr(Schema.String).annotate({ description: "The plan's name as the upstream tells it." }),
  rateLimits: Schema.NullOr(Schema.Record(Schema.String, RateLimitView)).annotate({
    description: "The account's limits by the upstream's names; null where it has told none since the start."
  })
}).annotate({ identifier: "Credential" })
export type CredentialView = typeof CredentialView.Type

/** A group and how many credentials it has. */
export const GroupSummary = Schema.Struct({
  id: GroupId,
  total: count("Its credentials."),
  available: count("Those of them that are enabled and do not rest.")
})
export type GroupSummary = typeof GroupSummary.Type

/** A page of credentials. `total`, `available`, `currentId` and `groups` are over all, whatever the page shows. */
export const CredentialPage = Schema.Struct({
  total: count("Credentials in the pool."),
  available: count("Those that are enabled and do not rest."),
  currentId: Schema.NullOr(CredentialId).annotate({ description: "The one that a new request would get first." }),
  groups: Schema.Array(GroupSummary),
  credentials: Schema.Array(CredentialView),
  nextCursor: Schema.NullOr(Schema.String).annotate({ description: "Where the next page starts; null: nowhere." })
}).annotate({ identifier: "CredentialPage" })
export type CredentialPage = typeof CredentialPage.Type

/** What to list. A member that is left out or empty does not narrow the list. */
export const CredentialQuery = {
  limit: limit("Credentials", largestPage),
  cursor: Schema.optionalKey(
    Schema.String.check(Schema.isMaxLength(1_024, { expected: "a cursor of this list" })).annotate({
      description: "`nextCursor` of the page before."
    })
  ),
  state: Schema.optionalKey(
    Schema.Literals(["", "ready", "cooling", "disabled"]).annotate({
      expected: `"ready", "cooling" or "disabled"`,
      description: "Only those in this state; a disabled one counts as disabled even while it also rests."
    })
  ),
  group: short("Only those of this group."),
  q: short("Only those with this text in their id, label or email, whatever the letter case.")
}

/** What a list may be narrowed by. */
export interface CredentialQuery {
  readonly limit?: string
  readonly cursor?: string
  readonly state?: "" | "ready" | "cooling" | "disabled"
  readonly group?: string
  readonly q?: string
}

/** What is left of an account's plan, in the upstream's own unit. */
export const BalanceView = Schema.Struct({
  subscription: Schema.NullOr(Schema.String),
  email: Schema.NullOr(Schema.String),
  used: Schema.Number,
  limit: Schema.Number,
  remaining: Schema.Number,
  resetsAt: Schema.NullOr(Time)
}).annotate({ identifier: "Balance" })

export const SetGroup = Schema.Struct({
  group: Schema.NullOr(GroupId).annotate({ expected: "a group's name, or null" })
}).annotate({ identifier: "SetGroup" })

export const SetDisabled = Schema.Struct({
  disabled: Schema.Boolean.annotate({ expected: "true or false" })
}).annotate({ identifier: "SetDisabled" })

const furthest = 1_000_000

export const SetPriority = Schema.Struct({
  priority: Schema.Int.check(
    Schema.isBetween(
      { minimum: -furthest, maximum: furthest },
      { expected: `a whole number from ${-furthest} to ${furthest}` }
    )
  ).annotate({ description: "Lower is preferred." })
}).annotate({ identifier: "SetPriority" })
