/**
 * KeyAdmission: lets a client key's requests in within its limits, and knows what it has used.
 *
 * A permit is scoped: it counts among the requests under way until its scope closes, which is when the answer's body has
 * ended. What it took of the tokens a minute is settled once, by what the ledger records; where the request ends
 * without a record, nothing was used and all of it is given back.
 *
 * **Details**
 *
 * The tokens of the limit a minute are input and cache writes, estimated beforehand, and output once it is known; what
 * is read from a cache counts only until then. A budget counts everything that the ledger has of the key.
 *
 * Bounded: one meter for each key that was used since the start; now and then those of deleted keys are forgotten.
 */
import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { Ledger } from "../ledger/Ledger.ts"
import type { ClientKeyId } from "../message/Ids.ts"
import { nothingSpent, type Spent } from "../message/KeyUse.ts"
import type { RecordedUsage } from "../message/RequestRecord.ts"
import { type ClientKey, ClientKeys } from "./ClientKeys.ts"
import { type BudgetState, budgetAt, budgetWait } from "./KeyBudget.ts"
import { isExpired, mayUse } from "./KeyLimits.ts"
import { KeyMeter, type KeyStanding } from "./KeyMeter.ts"
import { KeyRefused } from "./KeyRefused.ts"

/** What a request asks of its key. */
export interface KeyNeed {
  /** The model as the client and as the upstream names it; null: none in particular. */
  readonly model: ClientModel | null
  /** Our estimate of its input, asked where it matters; null: it uses no tokens. */
  readonly estimate: (() => number) | null
  /** The models that a batch of messages asks for; absent: it is none. */
  readonly batch?: ReadonlyArray<ClientModel>
}

/** A model as the client and as the upstream names it. */
interface ClientModel {
  readonly name: string
  readonly resolved: string
}

/** A request that was let in. */
export interface KeyPermit {
  /** What it has used. Only the first counts. */
  readonly settle: (usage: RecordedUsage) => void
}

/** What a key has used by now. */
export interface KeyUsage {
  /** In the current minute of the clock. */
  readonly minute: { readonly requests: number; readonly tokens: number }
  readonly standing: KeyStanding
  readonly concurrent: number
  readonly today: Spent
  readonly thisMonth: Spent
  /** Null: it has none. */
  readonly budget: BudgetState | null
  /** Milliseconds since the epoch; null: not for two months. */
  readonly lastUsedAt: number | null
}

export class KeyAdmission extends Context.Service<
  KeyAdmission,
  {
    readonly admit: (id: ClientKeyId, need: KeyNeed) => Effect.Effect<KeyPermit, KeyRefused, Scope.Scope>
    readonly mayUse: (id: ClientKeyId, name: string, resolved: string) => boolean
    /** The key's limits a minute as they stand. */
    readonly standing: (id: ClientKeyId) => KeyStanding
    readonly usage: (key: ClientKey) => KeyUsage
  }
>()("weir/policy/KeyAdmission") {
  static readonly layer: Layer.Layer<KeyAdmission, never, ClientKeys | Ledger> = Layer.effect(
    KeyAdmission,
    Effect.suspend(() => make)
  )
}

/** So many are not worth a look. */
const fewMeters = 1_000

const make = Effect.gen(function* () {
  const keys = yield* ClientKeys
  const ledger = yield* Ledger
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const meters = new Map<ClientKeyId, KeyMeter>()
  let sweepAt = fewMeters

  const sweep = () => {
    for (const id of meters.keys()) if (keys.find(id) === null) meters.delete(id)
    sweepAt = 2 * meters.size + fewMeters
  }
  const meterOf = ({ id, limits }: ClientKey): KeyMeter => {
    const meter = meters.get(id) ?? new KeyMeter()
    if (!meters.has(id)) {
      if (meters.size >= sweepAt) sweep()
      meters.set(id, meter)
    }
    meter.adjust(limits, now())
    return meter
  }
  const spentIn = ({ id, limits }: ClientKey): Spent =>
    limits.budget === null ? nothingSpent : (ledger.used(id)?.in(limits.budget.per, now()) ?? nothingSpent)

  /** Lets a request in, or says why not. Nothing else happens in between. */
  const enter = Effect.fnUntraced(function* (id: ClientKeyId, { batch, estimate, model }: KeyNeed) {
    const key = keys.find(id)
    if (key === null || key.disabled || isExpired(key.limits, now()))
      return yield* new KeyRefused({ reason: { _tag: "NoKey" } })
    const { budget, tokensPerMinute } = key.limits
    if (model !== null && !mayUse(key.limits, model.name, model.resolved))
      return yield* new KeyRefused({ reason: { _tag: "Model", model: model.name } })
    if (batch !== undefined && (budget !== null || tokensPerMinute !== null))
      return yield* new KeyRefused({ reason: { _tag: "Batch" } })
    const refused = batch?.find(({ name, resolved }) => !mayUse(key.limits, name, resolved))
    if (refused !== undefined) return yield* new KeyRefused({ reason: { _tag: "Model", model: refused.name } })
    if (budget !== null && estimate !== null) {
      const retryAfterMs = budgetWait(budget, spentIn(key), now())
      if (retryAfterMs > 0) return yield* new KeyRefused({ reason: { _tag: "Budget", per: budget.per, retryAfterMs } })
    }
    const tokens = estimate === null || tokensPerMinute === null ? 0 : estimate()
    const meter = meterOf(key)
    const reached = meter.reached(tokens, now())
    if (reached !== null) return yield* new KeyRefused({ reason: { _tag: "Limit", ...reached } })
    return new Permit(meter, meter.enter(tokens, now()), now)
  })

  return KeyAdmission.of({
    admit: (id, need) => Effect.acquireRelease(enter(id, need), (permit) => Effect.sync(() => permit.end())),
    mayUse: (id, name, resolved) => {
      const key = keys.find(id)
      return key !== null && mayUse(key.limits, name, resolved)
    },
    standing: (id) => {
      const key = keys.find(id)
      return key === null ? { requests: null, tokens: null } : meterOf(key).standing(now())
    },
    usage: (key) => {
      const meter = meterOf(key)
      const used = ledger.used(key.id)
      const lastUsedAt = Math.max(meter.lastAt ?? 0, used?.lastAt ?? 0)
      return {
        minute: meter.thisMinute(now()),
        standing: meter.standing(now()),
        concurrent: meter.concurrent,
        today: used?.in("day", now()) ?? nothingSpent,
        thisMonth: used?.in("month", now()) ?? nothingSpent,
        budget: key.limits.budget === null ? null : budgetAt(key.limits.budget, spentIn(key), now()),
        lastUsedAt: lastUsedAt === 0 ? null : lastUsedAt
      }
    }
  })
})

class Permit implements KeyPermit {
  readonly #meter: KeyMeter
  readonly #entered: ReturnType<KeyMeter["enter"]>
  readonly #now: () => number
  #isSettled = false

  constructor(meter: KeyMeter, entered: ReturnType<KeyMeter["enter"]>, now: () => number) {
    this.#meter = meter
    this.#entered = entered
    this.#now = now
  }

  readonly settle = (usage: RecordedUsage): void => {
    this.#settle(usage.input_tokens + usage.cache_creation_input_tokens + usage.output_tokens)
  }

  end(): void {
    this.#settle(0)
    this.#meter.leave()
  }

  #settle(tokens: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#meter.settle(this.#entered, tokens, this.#now())
  }
}
