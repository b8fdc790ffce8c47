/**
 * AnthropicState: everything one simulator remembers. In memory, one process, gone with it.
 */
import { Observation } from "../Observation.ts"
import type { Account } from "./Accounts.ts"
import { Batches } from "./Batches.ts"
import { Files } from "./Files.ts"
import { defaultModels, type Model } from "./ModelList.ts"
import { PromptCache } from "./PromptCache.ts"
import { RateLimits } from "./RateLimits.ts"
import { RuleBook } from "./RuleBook.ts"
import type { Script } from "./Script.ts"
import type { Sighting } from "./SeenRequest.ts"
import { Signatures } from "./Signatures.ts"
import { Threads } from "./Threads.ts"

export class AnthropicState {
  readonly observation = new Observation<Sighting>()
  readonly signatures = new Signatures()
  readonly cache = new PromptCache()
  readonly limits = new RateLimits()
  readonly threads = new Threads()
  readonly files = new Files()
  readonly batches = new Batches()
  readonly rules: RuleBook
  #script: Script

  constructor(script: Script) {
    this.rules = new RuleBook(script.rules ?? [])
    this.#script = script
  }

  /** What is asked of the simulator beside the rules. */
  get script(): Script {
    return this.#script
  }

  /** Replaces the rules, and everything else that the script names. */
  load(script: Script): void {
    this.rules.replace(script.rules ?? [])
    this.#script = { ...this.#script, ...script }
  }

  /** The models an account may use. */
  modelsOf({ models }: Account): ReadonlyArray<Model> {
    const all = this.#script.models ?? defaultModels
    return models === undefined ? all : all.filter(({ id }) => models.includes(id))
  }
}
