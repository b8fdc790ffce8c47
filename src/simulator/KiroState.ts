/**
 * KiroState: everything one simulator remembers. In memory, one process, gone with it.
 */
import { type KiroModel, defaultModels } from "./KiroModelList.ts"
import { Observation } from "./Observation.ts"
import { PromptCache } from "./PromptCache.ts"
import { RuleBook } from "./RuleBook.ts"
import type { Script } from "./Script.ts"
import { Signatures } from "./Signatures.ts"
import { type Account, SimulatedAccounts } from "./SimulatedAccount.ts"

export class KiroState {
  readonly observation = new Observation()
  readonly signatures = new Signatures()
  readonly cache = new PromptCache()
  readonly rules: RuleBook
  #accounts: SimulatedAccounts
  #models: ReadonlyArray<KiroModel>

  constructor(script: Script) {
    this.rules = new RuleBook(script.rules ?? [])
    this.#accounts = new SimulatedAccounts(script.accounts ?? [])
    this.#models = script.models ?? defaultModels
  }

  get accounts(): SimulatedAccounts {
    return this.#accounts
  }

  /** Replaces the rules, and the accounts and models where the script names some. */
  load(script: Script): void {
    this.rules.replace(script.rules ?? [])
    if (script.accounts !== undefined) this.#accounts = new SimulatedAccounts(script.accounts)
    if (script.models !== undefined) this.#models = script.models
  }

  /** The models an account may use. */
  modelsOf(account: Account): ReadonlyArray<KiroModel> {
    const { models } = account
    return models === undefined ? this.#models : this.#models.filter((model) => models.includes(model.modelId))
  }
}
