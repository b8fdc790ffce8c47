/**
 * RuleBook: which rule answers a request, and how often each has been used.
 */
import { Result } from "effect"
import { directiveLine, failingNow, isInUse, RuleUses } from "../RuleUses.ts"
import { matches } from "../Script.ts"
import type { FailureName, HttpFailure } from "./FailurePreset.ts"
import { type Operation, parseDirective, type Rule } from "./Script.ts"

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
  readonly #uses = new RuleUses<Rule>()

  constructor(rules: ReadonlyArray<Rule>) {
    this.#rules = rules
  }

  /** Replaces all rules and forgets how often they were used. */
  replace(rules: ReadonlyArray<Rule>): void {
    this.#rules = rules
    this.#uses.clear()
  }

  /** The rule for one request, or one that says nothing; counts as a use. */
  choose(situation: Situation): Chosen {
    const directive = situation.operation === "messages" ? directiveIn(situation.text) : null
    if (directive !== null) {
      const used = this.#uses.ofText(situation.text)
      if (isInUse(directive, used)) return { rule: directive, fail: failingNow(directive, used) }
    }
    for (const rule of this.#rules) {
      if (!fits(rule, situation)) continue
      const used = this.#uses.ofRule(rule)
      if (isInUse(rule, used)) return { rule, fail: failingNow(rule, used) }
    }
    return NONE
  }
}

/** The rule in a text; one that is not understood says so in its answer. */
const directiveIn = (text: string): Rule | null => {
  const line = directiveLine(text)
  if (line === null) return null
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
