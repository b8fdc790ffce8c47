/**
 * RuleBook: which steps answer a request, and how often each rule has been used.
 */
import { Result } from "effect"
import { answer } from "./BuiltInAgent.ts"
import type { Prompt } from "./Prompt.ts"
import { directiveLine, failingNow, isInUse, RuleUses } from "./RuleUses.ts"
import { matches, type Operation, parseDirective, type Rule, type Step } from "./Script.ts"

/** What a rule's conditions are about. */
export interface Situation {
  readonly operation: Operation
  /** Everything the caller may be named by: its tokens and its account's name. */
  readonly credentials: ReadonlyArray<string>
  readonly model: string | null
  readonly prompt: Prompt
}

/** A situation with nothing said, as of operations other than `generate`. */
export const silent: Prompt = { text: "", tools: [], results: [] }

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

  /** The steps for one request; counts as a use. For other operations than `generate` no steps mean the usual answer. */
  choose(situation: Situation): ReadonlyArray<Step> {
    const { prompt } = situation
    const directive = directiveIn(prompt.text)
    if (situation.operation === "generate" && directive !== null) {
      if (typeof directive === "string") return [{ text: directive }]
      const used = this.#uses.ofText(prompt.text)
      if (isInUse(directive, used)) return play(directive, used, prompt)
    }
    for (const rule of this.#rules) {
      if (!fits(rule, situation)) continue
      const used = this.#uses.ofRule(rule)
      if (isInUse(rule, used))
        return situation.operation === "generate" ? play(rule, used, prompt) : perform(rule, used)
    }
    return situation.operation === "generate" ? answer(prompt) : []
  }
}

/** The rule in a text, what is wrong with it, or null where there is none. */
const directiveIn = (text: string): Rule | string | null => {
  const line = directiveLine(text)
  if (line === null) return null
  const parsed = parseDirective(line)
  return Result.isSuccess(parsed) ? parsed.success : `The !sim line is not understood: ${parsed.failure.message}`
}

const fits = (rule: Rule, situation: Situation): boolean =>
  (rule.operation ?? "generate") === situation.operation &&
  (rule.match === undefined || matches(rule.match, situation.prompt.text)) &&
  (rule.credential === undefined || situation.credentials.includes(rule.credential)) &&
  (rule.model === undefined || rule.model === situation.model)

/** What a rule does on its nth use, apart from what depends on tool results. */
const perform = (rule: Rule, used: number): ReadonlyArray<Step> => {
  const failing = failingNow(rule, used)
  return failing === null ? (rule.steps ?? []) : [{ fail: failing }]
}

const play = (rule: Rule, used: number, prompt: Prompt): ReadonlyArray<Step> => {
  const failing = failingNow(rule, used)
  if (failing !== null) return [{ fail: failing }]
  const steps = rule.steps ?? []
  const isFollowUp = prompt.results.length > 0
  const chosen = isFollowUp ? (rule.then ?? (steps.some((step) => "tool" in step) ? [] : steps)) : steps
  return chosen.length === 0 ? answer(prompt) : chosen
}
