/**
 * Selection: which credential serves. A pure decision over what the pool knows at one moment.
 */
import type { CredentialId } from "../message/Ids.ts"

/** What a request needs of a credential. */
export interface Need {
  /** The upstream's name of the model, or null where any will do. */
  readonly model: string | null
  /** Credentials this request has already tried; ignored once they are all there is. */
  readonly exclude: ReadonlySet<CredentialId>
  /** Credentials this request may not try again, whoever is left. */
  readonly barred: ReadonlySet<CredentialId>
}

/** One credential as selection sees it. Times are milliseconds since the epoch. */
export interface Candidate {
  readonly id: CredentialId
  /** Lower is preferred. */
  readonly priority: number
  readonly disabled: boolean
  readonly coolingUntil: number | null
  readonly full: boolean
  readonly suits: (model: string) => boolean
}

/** Why a credential is not eligible now. */
export type Ineligible = "disabled" | "cooldown" | "model" | "full" | "tried"

/** How many credentials were passed over, by reason. */
export type Counts = Readonly<Record<Ineligible | "eligible", number>>

export type Choice =
  | { readonly kind: "chosen"; readonly id: CredentialId; readonly because: string }
  /** Someone could serve, but every permit is taken. */
  | { readonly kind: "full"; readonly counts: Counts }
  /** Nobody can serve before `soonest`, or, where it is null, before a person acts. */
  | { readonly kind: "unavailable"; readonly counts: Counts; readonly soonest: number | null }

/** The first reason against a credential, or null where it could serve at once. */
export const ineligible = (candidate: Candidate, need: Need, now: number): Ineligible | null => {
  if (candidate.disabled) return "disabled"
  if (need.model !== null && !candidate.suits(need.model)) return "model"
  if (candidate.coolingUntil !== null && candidate.coolingUntil > now) return "cooldown"
  if (need.barred.has(candidate.id) || need.exclude.has(candidate.id)) return "tried"
  return candidate.full ? "full" : null
}

/**
 * Chooses among candidates that stand in order of preference.
 *
 * The first that can serve wins. Tried ones come back into play once nobody else is left, full or not: a request that
 * has tried everyone starts over rather than fails.
 */
export const choose = (candidates: Iterable<Candidate>, need: Need, now: number): Choice => {
  const counts = { eligible: 0, disabled: 0, cooldown: 0, model: 0, full: 0, tried: 0 }
  let soonest: number | null = null
  let retried: Candidate | null = null
  let again = 0
  for (const candidate of candidates) {
    const reason = ineligible(candidate, need, now)
    if (reason === null) return { kind: "chosen", id: candidate.id, because: because(counts) }
    counts[reason]++
    if (reason === "tried" && !need.barred.has(candidate.id)) {
      again++
      if (!candidate.full) retried ??= candidate
    }
    if (reason === "cooldown" && candidate.coolingUntil !== null) {
      soonest = soonest === null ? candidate.coolingUntil : Math.min(soonest, candidate.coolingUntil)
    }
  }
  if (counts.full === 0 && retried !== null) {
    return { kind: "chosen", id: retried.id, because: "every other one was tried or cannot serve" }
  }
  return counts.full + again > 0 ? { kind: "full", counts } : { kind: "unavailable", counts, soonest }
}

const because = (passed: Counts): string => {
  const before = passed.disabled + passed.cooldown + passed.model + passed.full + passed.tried
  return before === 0 ? "highest priority" : `first of the rest by priority; ${before} preferred cannot serve now`
}
