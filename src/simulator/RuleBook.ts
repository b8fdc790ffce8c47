/**
 * RuleBook: which steps answer a request, and how often each rule has been used.
 */
import { Result } from "effect"
import { answer } from "./BuiltInAgent.ts"
import type { FailureName } from "./FailurePreset.ts"
import type { Prompt } from "./Prompt.ts"
import { matches, type Operation, parseDirective, type Rule, type Step } from "./Script.ts"

/** Texts with a directive whose use is counted; past this the oldest are counted anew. */
const MAX_DIRECTIVES = 10_000

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

  /** The steps for one request; counts as a use. For other operations than `generate` no steps mean the usual answer. */
  choose(situation: Situation): ReadonlyArray<Step> {
    const { prompt } = situation
    const directive = directiveIn(prompt.text)
    if (situation.operation === "generate" && directive !== null) {
      if (typeof directive === "string") return [{ text: directive }]
      const used = this.#countDirective(prompt.text)
      if (isInUse(directive, used)) return play(directive, used, prompt)
    }
    for (const rule of this.#rules) {
      if (!fits(rule, situation)) continue
      const used = this.#used.get(rule) ?? 0
      this.#used.set(rule, used + 1)
      if (isInUse(rule, used))
        return situation.operation === "generate" ? play(rule, used, prompt) : perform(rule, used)
    }
    return situation.operation === "generate" ? answer(prompt) : []
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

/** The rule in a text, what is wrong with it, or null where there is none. */
const directiveIn = (text: string): Rule | string | null => {
  const line = /^\s*!sim (.+)$/m.exec(text)?.[1]
  if (line === undefined) return null
  const parsed = parseDirective(line)
  return Result.isSuccess(parsed) ? parsed.success : `The !sim line is not understood: ${parsed.failure.message}`
}

const fits = (rule: Rule, situation: Situation): boolean =>
  (rule.operation ?? "generate") === situation.operation &&
  (rule.match === undefined || matches(rule.match, situation.prompt.text)) &&
  (rule.credential === undefined || situation.credentials.includes(rule.credential)) &&
  (rule.model === undefined || rule.model === situation.model)

const isInUse = (rule: Rule, used: number): boolean => {
  const skip = rule.skip ?? 0
  return used >= skip && (rule.times === undefined || used < skip + rule.times)
}

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

const failingNow = (rule: Rule, used: number): FailureName | null =>
  rule.fail !== undefined && used - (rule.skip ?? 0) < (rule.failFirst ?? Number.POSITIVE_INFINITY) ? rule.fail : null
