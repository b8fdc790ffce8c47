/**
 * Explain: why the pool would choose whom it would choose, and what speaks against each of the others. Pure; changes
 * nothing.
 */
import type { CredentialId, UpstreamId } from "../message/Ids.ts"
import type { Counts } from "../message/Why.ts"
import type { PoolEntry } from "./PoolEntry.ts"
import type { Reason } from "./Eligibility.ts"
import type { Choice } from "./Selection.ts"

/** One credential, as a request would find it. */
export interface Explained {
  readonly id: CredentialId
  /** Whether it could serve at once. */
  readonly eligible: boolean
  /** Everything that speaks against it. */
  readonly reasons: ReadonlyArray<Reason>
}

/** The pool, as a request would find it. */
export interface Explanation {
  /** Who would serve, or null. */
  readonly chosen: CredentialId | null
  /** What decides the choice, or why there is none. */
  readonly because: string
  /** When somebody recovers by himself where nobody can serve, or null. Milliseconds since the epoch. */
  readonly soonest: number | null
  readonly counts: Readonly<Counts>
  /** In order of preference. */
  readonly credentials: ReadonlyArray<Explained>
}

/**
 * @param entries in order of preference
 * @param upstreams in the order in which they are asked: their credentials come one upstream after the other, then all
 *   others; null: all alike
 */
export const explain = (
  entries: ReadonlyArray<PoolEntry>,
  upstreams: ReadonlyArray<UpstreamId> | null,
  choice: Choice,
  reasonsOf: (entry: PoolEntry) => ReadonlyArray<Reason>
): Explanation => ({
  chosen: choice.kind === "chosen" ? choice.entry.credential.id : null,
  because: because(choice),
  soonest: choice.kind === "unavailable" ? choice.soonest : null,
  counts: choice.kind === "chosen" ? choice.why.counts : choice.counts,
  credentials: inOrder(entries, upstreams).map((entry) => {
    const reasons = reasonsOf(entry)
    return { id: entry.credential.id, eligible: reasons.length === 0, reasons }
  })
})

const inOrder = (entries: ReadonlyArray<PoolEntry>, upstreams: ReadonlyArray<UpstreamId> | null) => {
  if (upstreams === null) return entries
  const place = ({ credential: { upstream } }: PoolEntry) =>
    upstreams.includes(upstream) ? upstreams.indexOf(upstream) : upstreams.length
  return entries.toSorted((a, b) => place(a) - place(b))
}

const because = (choice: Choice): string => {
  if (choice.kind === "chosen") return choice.why.because
  return choice.kind === "full" ? "every permit is taken" : unavailable[choice.because]
}

const unavailable = {
  limited: "all that could serve rest for limits of their accounts",
  resting: "all that could serve rest",
  out_of_quota: "all that could serve are out of their monthly quota",
  model: "no enabled credential may use the model",
  disabled: "no credential is enabled",
  gone: "the account at which the conversation lives is gone"
} as const
