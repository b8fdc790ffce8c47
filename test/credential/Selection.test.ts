import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Candidate, choose, type Choice, type Need } from "../../src/credential/Selection.ts"
import { anyNeed, id } from "./PoolRig.ts"

const now = 1000

const Drawn = Schema.Struct({
  disabled: Schema.Boolean,
  coolingUntil: Schema.NullOr(Schema.Literals([900, 1000, 1001, 2000])),
  full: Schema.Boolean,
  suits: Schema.Boolean,
  tried: Schema.Boolean,
  barred: Schema.Boolean
})
type Drawn = typeof Drawn.Type

const candidateOf = (drawn: Drawn, index: number): Candidate => ({
  id: id(String(index)),
  priority: index,
  disabled: drawn.disabled,
  coolingUntil: drawn.coolingUntil,
  full: drawn.full,
  suits: () => drawn.suits
})

const needOf = (drawn: ReadonlyArray<Drawn>): Need => {
  const ids = (member: "tried" | "barred") =>
    new Set(drawn.flatMap((candidate, index) => (candidate[member] ? [id(String(index))] : [])))
  return { model: "m", exclude: ids("tried"), barred: ids("barred") }
}

/** The rules one after the other, each over a list of its own. */
const naive = (drawn: ReadonlyArray<Drawn>): { readonly kind: Choice["kind"]; readonly of: string | number | null } => {
  const numbered = drawn.map((candidate, index) => ({ ...candidate, id: String(index) }))
  const enabled = numbered.filter((candidate) => !candidate.disabled && candidate.suits)
  const awake = enabled.filter(({ coolingUntil }) => coolingUntil === null || coolingUntil <= now)
  const allowed = awake.filter(({ barred }) => !barred)
  const untried = allowed.filter(({ tried }) => !tried)
  const pool = untried.length > 0 ? untried : allowed
  const first = pool.find(({ full }) => !full)
  if (first !== undefined) return { kind: "chosen", of: first.id }
  if (pool.length > 0) return { kind: "full", of: null }
  const ends = enabled.flatMap(({ coolingUntil }) =>
    coolingUntil !== null && coolingUntil > now ? [coolingUntil] : []
  )
  return { kind: "unavailable", of: ends.length === 0 ? null : Math.min(...ends) }
}

describe("Selection", () => {
  it.prop(
    "chooses what the rules, applied one after the other, leave over",
    [Schema.Array(Drawn)],
    ([drawn]) => {
      const choice = choose(drawn.map(candidateOf), needOf(drawn), now)
      const of = choice.kind === "chosen" ? choice.id : choice.kind === "unavailable" ? choice.soonest : null
      assert.deepStrictEqual({ kind: choice.kind, of }, naive(drawn))
    },
    { arbitrary: { runs: 5000 } }
  )

  it.prop("accounts for every credential where it chooses none", [Schema.Array(Drawn)], ([drawn]) => {
    const choice = choose(drawn.map(candidateOf), needOf(drawn), now)
    if (choice.kind === "chosen") return assert.isFalse(drawn[Number(choice.id)]?.full)
    const { cooldown, disabled, eligible, full, model, tried } = choice.counts
    assert.strictEqual(eligible, 0)
    assert.strictEqual(cooldown + disabled + full + model + tried, drawn.length)
  })

  it("asks for no model where any will do", () => {
    const drawn = { disabled: false, coolingUntil: null, full: false, suits: false, tried: false, barred: false }
    assert.strictEqual(choose([candidateOf(drawn, 0)], anyNeed, now).kind, "chosen")
    assert.strictEqual(choose([candidateOf(drawn, 0)], { ...anyNeed, model: "m" }, now).kind, "unavailable")
  })
})
