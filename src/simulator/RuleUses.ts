/**
 * RuleUses: how often the rules of a script have been used, and what follows from that; the same for every simulator.
 */

/** What of a rule is about counting. */
export interface Counted<Fail> {
  readonly skip?: number
  readonly times?: number
  readonly fail?: Fail
  readonly failFirst?: number
}

/** Texts with a directive whose use is counted; past this the oldest are counted anew. */
const MAX_DIRECTIVES = 10_000

export class RuleUses<Rule extends object> {
  #rules = new Map<Rule, number>()
  readonly #texts = new Map<string, number>()

  clear(): void {
    this.#rules = new Map()
    this.#texts.clear()
  }

  /** How often a rule was used before; counts as a use. */
  ofRule(rule: Rule): number {
    const used = this.#rules.get(rule) ?? 0
    this.#rules.set(rule, used + 1)
    return used
  }

  /** The same of the directive in a text. */
  ofText(text: string): number {
    const used = this.#texts.get(text) ?? 0
    this.#texts.set(text, used + 1)
    for (const oldest of this.#texts.keys()) {
      if (this.#texts.size <= MAX_DIRECTIVES) break
      this.#texts.delete(oldest)
    }
    return used
  }
}

/** The line in a request's text that is a rule for that request, without its beginning; null where there is none. */
export const directiveLine = (text: string): string | null => /^\s*!sim (.+)$/m.exec(text)?.[1] ?? null

/** Whether a rule that was used so often is still to be played. */
export const isInUse = ({ skip = 0, times }: Counted<unknown>, used: number): boolean =>
  used >= skip && (times === undefined || used < skip + times)

/** How a rule fails this time, or null. */
export const failingNow = <Fail>({ fail, failFirst, skip = 0 }: Counted<Fail>, used: number): Fail | null =>
  fail !== undefined && used - skip < (failFirst ?? Number.POSITIVE_INFINITY) ? fail : null
