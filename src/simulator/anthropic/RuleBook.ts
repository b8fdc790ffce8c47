/**
 * RuleBook: which rule answers a request, and how often each has been used.
 */
import { Result } from "effect"
import { matches } from "../Script.ts"
import type { FailureName, HttpFailure } from "./FailurePreset.ts"
import { type Operation, parseDirective, type Rule } from "./Script.ts"

/** Texts with a directive whose use is counted; past this the oldest are counted anew. */
const MAX_DIRECTIVES = 10_000

/** What a rule's conditions are about. */
export interface Situation {
  readonly operation: Operation
  /** Everything the caller may be named by. */
  readonly callers: ReadonlyArray<string>
  /** Everything the model may be named by. */
  readonly models: ReadonlyArray<string>
  readonly stream: boolean
  /** The last user text. */
  readonly text: string
}

/** A rule that is to be played, and whether it fails this time. */
export interface Chosen {
  readonly rule: Rule
  readonly fail: FailureName | HttpFailure | null
}

const NONE: Chosen = { rule: {}, fail: null }

export class RuleBook {
  #rules: ReadonlyArray<Rule>
  #used = new Map<Rule, number>()
  readonly #usedDirectives = new Map<string, number>()

  constructor(rules: ReadonlyArray<Rule>) {
    this.#rules = rules
  }

  /** Replaces all rules and forgets how often they were used. */
  replace(rules: ReadonlyArray<Rule>): void {
    this.#rules = rules
    this.#used = new Map()
    this.#usedDirectives.clear()
  }

  /** The rule for one request, or one that says nothing; counts as a use. */
  choose(situation: Situation): Chosen {
    const directive = situation.operation === "messages" ? directiveIn(situation.text) : null
    if (directive !== null) {
      const used = this.#countDirective(situation.text)
      if (isInUse(directive, used)) return { rule: directive, fail: failingNow(directive, used) }
    }
    for (const rule of this.#rules) {
      if (!fits(rule, situation)) continue
      const used = this.#used.get(rule) ?? 0
      this.#used.set(rule, used + 1)
      if (isInUse(rule, used)) return { rule, fail: failingNow(rule, used) }
    }
    return NONE
  }

  #countDirective(text: string): number {
    const used = this.#usedDirectives.get(text) ?? 0
    this.#usedDirectives.set(text, used + 1)
    for (const oldest of this.#usedDirectives.keys()) {
      if (this.#usedDirectives.size <= MAX_DIRECTIVES) break
      this.#usedDirectives.delete(oldest)
    }
    return used
  }
}

/** The rule in a text; one that is not understood says so in its answer. */
const directiveIn = (text: string): Rule | null => {
  const line = /^\s*!sim (.+)$/m.exec(text)?.[1]
  if (line === undefined) return null
  const parsed = parseDirective(line)
  return Result.isSuccess(parsed)
    ? parsed.success
    : { content: [{ type: "text", text: `The !sim line is not understood: ${parsed.failure.message}` }] }
}

const fits = (rule: Rule, situation: Situation): boolean =>
  (rule.operation ?? "messages") === situation.operation &&
  (rule.stream ?? situation.stream) === situation.stream &&
  (rule.sse === undefined || situation.stream) &&
  (rule.json === undefined || !situation.stream) &&
  (rule.match === undefined || matches(rule.match, situation.text)) &&
  (rule.account === undefined || situation.callers.includes(rule.account)) &&
  (rule.model === undefined || situation.models.includes(rule.model))

const isInUse = (rule: Rule, used: number): boolean => {
  const skip = rule.skip ?? 0
  return used >= skip && (rule.times === undefined || used < skip + rule.times)
}

const failingNow = (rule: Rule, used: number): FailureName | HttpFailure | null =>
  rule.fail !== undefined && used - (rule.skip ?? 0) < (rule.failFirst ?? Number.POSITIVE_INFINITY) ? rule.fail : null
