/**
 * CredentialList: the pool as an operator sees it: narrowed, in pages, with totals over all. Pure.
 *
 * A page starts after the place that its cursor names, in the order of priority and id, and not after a number of rows:
 * credentials that come or go meanwhile move no other one to a page twice or past it.
 */
import { DateTime, type Effect, Result, Schema } from "effect"
import type { CredentialPool } from "../credential/CredentialPool.ts"
import { CredentialId, type GroupId } from "../message/Ids.ts"
import type { RateLimit } from "../message/RateLimits.ts"
import {
  type CredentialPage,
  type CredentialQuery,
  type CredentialView,
  type GroupSummary
} from "./CredentialSchema.ts"
import { largestPage } from "./PageSchema.ts"

/** The pool at one moment. */
export type Snapshot = Effect.Success<CredentialPool["Service"]["snapshot"]>
type Status = Snapshot["credentials"][number]

/** A page, or what is wrong with the cursor. `groups` are the configured ones; those only credentials name are added. */
export const page = (
  snapshot: Snapshot,
  groups: ReadonlyArray<GroupId>,
  query: CredentialQuery
): Result.Result<CredentialPage, string> =>
  Result.map(startOf(query.cursor), (start) => {
    const limit = query.limit === undefined || query.limit === "" ? largestPage : Number(query.limit)
    const rows = snapshot.credentials
      .filter((status) => (start === null || compare(placeOf(status), start) > 0) && matches(status, query))
      .toSorted((a, b) => compare(placeOf(a), placeOf(b)))
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return {
      total: snapshot.credentials.length,
      available: snapshot.available,
      currentId: snapshot.currentId,
      groups: summaries(snapshot, groups),
      credentials: shown.map(view),
      nextCursor: last === undefined || rows.length <= limit ? null : encodeCursor(placeOf(last))
    }
  })

/** One credential as it is shown. A cooldown or a reason that has passed is not. */
export const view = ({
  borrowed,
  cooling,
  credential,
  disabled,
  expiresAt,
  health,
  id,
  limit,
  outstanding,
  proxySource,
  rateLimits
}: Status): CredentialView => ({
  id,
  upstream: credential.upstream,
  kind: credential.kind,
  label: credential.label,
  email: credential.email,
  priority: credential.priority,
  disabled,
  disabledReason: disabled ? (health.disabled?.reason ?? null) : null,
  inflight: outstanding + borrowed,
  permits: { limit, outstanding },
  successCount: health.successCount,
  failureCount: health.failureCount,
  refreshFailureCount: health.refreshFailureCount,
  transientFailureCount: health.transientFailureCount,
  lastUsedAt: health.lastUsedAt,
  expiresAt,
  group: credential.group,
  proxySource,
  cooldown:
    cooling && health.cooldown !== null
      ? {
          until: health.cooldown.until,
          reason: health.cooldown.reason,
          directoryKey: health.cooldown.directoryKey,
          scope: health.cooldown.scope
        }
      : null,
  subscription: credential.subscription,
  rateLimits: rateLimits === null ? null : Object.fromEntries(Array.from(rateLimits, rateLimitView))
})

const rateLimitView = ([name, { limit, remaining, resetsAt }]: readonly [string, RateLimit]) =>
  [name, { limit, remaining, resetsAt: resetsAt === null ? null : DateTime.makeUnsafe(resetsAt) }] as const

/** Where a credential stands in the list: its priority, then its id. */
const Place = Schema.Tuple([Schema.Finite, CredentialId])
type Place = typeof Place.Type

const Cursor = Schema.StringFromBase64Url.pipe(Schema.decodeTo(Schema.fromJsonString(Place)))
const encodeCursor = Schema.encodeSync(Cursor)
const decodeCursor = Schema.decodeResult(Cursor)

const startOf = (cursor: string | undefined): Result.Result<Place | null, string> =>
  cursor === undefined || cursor === ""
    ? Result.succeed(null)
    : Result.mapError(decodeCursor(cursor), () => "cursor: expected nextCursor of another page of this list")

const placeOf = ({ credential, id }: Status): Place => [credential.priority, id]

const compare = ([priorityA, idA]: Place, [priorityB, idB]: Place): number =>
  priorityA - priorityB || (idA < idB ? -1 : idA > idB ? 1 : 0)

const stateOf = ({ cooling, disabled }: Status) => (disabled ? "disabled" : cooling ? "cooling" : "ready")

const matches = (status: Status, { group = "", q = "", state = "" }: CredentialQuery): boolean =>
  (state === "" || state === stateOf(status)) &&
  (group === "" || group === status.credential.group) &&
  [status.id, status.credential.label, status.credential.email].some(
    (text) => text !== null && text.toLowerCase().includes(q.toLowerCase())
  )

const summaries = ({ credentials }: Snapshot, configured: ReadonlyArray<GroupId>): ReadonlyArray<GroupSummary> => {
  const counts = new Map(configured.map((id) => [id, { total: 0, available: 0 }]))
  for (const status of credentials) {
    const { group } = status.credential
    if (group === null) continue
    const before = counts.get(group) ?? { total: 0, available: 0 }
    const more = stateOf(status) === "ready" ? 1 : 0
    counts.set(group, { total: before.total + 1, available: before.available + more })
  }
  return [...counts].map(([id, count]) => ({ id, ...count }))
}
