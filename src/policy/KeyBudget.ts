/**
 * KeyBudget: what is left of a client key's budget. Pure.
 *
 * A request is let in while anything is left; those that are under way when it is used up end as they would.
 */
import type { KeyBudget } from "../message/KeyLimits.ts"
import { boundsOf, type Spent } from "../message/KeyUse.ts"

/** A budget at one moment. Null: no limit of that kind. */
export interface BudgetState {
  readonly used: Spent
  /** Never below 0. */
  readonly left: { readonly tokens: number | null; readonly credits: number | null }
  /** Milliseconds since the epoch. */
  readonly renewsAt: number
}

/** @param used in the period of `now` */
export const budgetAt = (budget: KeyBudget, used: Spent, now: number): BudgetState => ({
  used,
  left: { tokens: leftOf(budget.tokens, used.tokens), credits: leftOf(budget.credits, used.credits) },
  renewsAt: boundsOf(budget.per, now).end
})

/** When there is something left again, and 0 where there is now. Milliseconds from now. */
export const budgetWait = (budget: KeyBudget, used: Spent, now: number): number =>
  isReached(budget.tokens, used.tokens) || isReached(budget.credits, used.credits)
    ? boundsOf(budget.per, now).end - now
    : 0

const isReached = (limit: number | null, used: number): boolean => limit !== null && used >= limit

const leftOf = (limit: number | null, used: number): number | null =>
  limit === null ? null : Math.max(0, limit - used)
