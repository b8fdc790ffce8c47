/**
 * Survey: what a request finds on the shelves, upstream by upstream in the order in which they are asked. Pure.
 */
import type { UpstreamId } from "../message/Ids.ts"
import { type Counts, type Ineligible, noCounts } from "../message/Why.ts"
import { type Need, suits } from "./Eligibility.ts"
import type { Candidates } from "./PoolOfOne.ts"
import type { Shelf } from "./Shelf.ts"

/**
 * Why nobody can serve: `limited` are rests that each account's own use has earned, `resting` any others; `gone`: the one
 * that alone may serve is not there any more.
 */
export type Unavailable = "limited" | "resting" | "out_of_quota" | "model" | "disabled" | "gone"

/** The credentials of one upstream that is asked, or of all where they are alike. */
export interface Tier {
  readonly upstream: UpstreamId | null
  /** Where the request names it, of the upstreams that it names. */
  readonly place: number
  /** All of them, each under what first speaks against it. */
  readonly counts: Counts
  /** Those who may serve, now or once a permit is free. */
  readonly shelves: Array<Shelf>
}

export interface Survey {
  /** In the order in which they are asked. */
  readonly tiers: ReadonlyArray<Tier>
  /** Those of upstreams that are not asked. */
  readonly outside: Readonly<Counts>
  /** Why nobody could serve if it came to that. */
  readonly because: Unavailable
  /** When somebody recovers by himself, or null. Milliseconds since the epoch. */
  readonly soonest: number | null
}

/** Whether an upstream had no capacity for the model of late. */
export type Lacks = (upstream: UpstreamId) => boolean

/** The order in which upstreams are asked: those without capacity for the model after the others. */
export const byCapacity = (upstreams: ReadonlyArray<UpstreamId>, lacks: Lacks): ReadonlyArray<UpstreamId> =>
  upstreams.some(lacks) ? [...upstreams.filter((upstream) => !lacks(upstream)), ...upstreams.filter(lacks)] : upstreams

/** Looks at each shelf once. */
export const survey = (pool: Candidates, need: Pick<Need, "model" | "upstreams">, lacks: Lacks): Survey => {
  const tiers = tiersOf(need.upstreams, lacks)
  const outside = noCounts()
  const known = pool.knowledge(need.model)
  /** Of the shelves that may serve this request, also those whose upstream is left alone. */
  const suiting = { disabled: 0, outOfQuota: 0, limited: 0, soonest: Infinity }
  for (const shelf of pool.shelves) {
    const enabled = shelf.size - shelf.disabled
    const tier = tiers.find(({ upstream }) => upstream === null || upstream === shelf.upstream)
    const counts = tier?.counts ?? outside
    counts.disabled += shelf.disabled
    if (tier === undefined || !suits(shelf, need.model, known)) {
      counts.model += enabled
      continue
    }
    suiting.disabled += shelf.disabled
    suiting.outOfQuota += shelf.outOfQuota
    const paused = enabled === 0 ? null : pool.pausedUntil(shelf.upstream)
    const recovers = shelf.recovering.first?.recoversAt ?? Infinity
    const isAnyoneUp = shelf.ready.size + shelf.full.size > 0
    const soonest = paused === null ? recovers : isAnyoneUp ? paused : Math.max(paused, recovers)
    suiting.soonest = Math.min(suiting.soonest, soonest)
    if (paused !== null) {
      counts.cooldown += enabled
      continue
    }
    suiting.limited += shelf.limited
    counts.cooldown += shelf.cooling
    counts.full += shelf.full.size
    counts.eligible += shelf.ready.size
    tier.shelves.push(shelf)
  }
  return {
    tiers,
    outside,
    because: unavailable(inAll(tiers, [outside]), suiting),
    soonest: suiting.soonest === Infinity ? null : suiting.soonest
  }
}

/** The counts of all together, with those of credentials that are not asked. */
export const inAll = (tiers: ReadonlyArray<Tier>, outside: ReadonlyArray<Readonly<Counts>>): Counts => {
  const sum = noCounts()
  for (const counts of [...outside, ...tiers.map((tier) => tier.counts)]) {
    sum.eligible += counts.eligible
    sum.cooldown += counts.cooldown
    sum.disabled += counts.disabled
    sum.full += counts.full
    sum.model += counts.model
    sum.group += counts.group
    sum.tried += counts.tried
  }
  return sum
}

/** Upstreams that are told to have been passed over. */
const told = 3

/** What decided, after why the upstreams before it were passed over: `kiro: all 3 rest; anthropic: …`. */
export const afterOthers = (tiers: ReadonlyArray<Tier>, serving: Tier, because: string): string => {
  const asked = tiers.indexOf(serving)
  const passed = tiers.filter((tier, at) => at < asked || tier.place < serving.place)
  if (passed.length === 0) return because
  const more = passed.length > told ? [`${passed.length - told} more before it`] : []
  const each = passed
    .slice(0, told)
    .map((tier) => `${tier.upstream}: ${tiers.indexOf(tier) < asked ? whyNot(tier) : "no capacity for the model"}`)
  return [...each, ...more, `${serving.upstream}: ${because}`].join("; ")
}

/** In words, for one and for several. */
const against: ReadonlyArray<readonly [kind: Ineligible, one: string, several: string]> = [
  ["cooldown", "rests", "rest"],
  ["full", "is full", "are full"],
  ["tried", "was tried", "were tried"],
  ["model", "may not use the model", "may not use the model"],
  ["disabled", "is disabled", "are disabled"]
]

/** Why nobody of an upstream serves: `all 3 rest`, `1 rests, 2 are full`. */
const whyNot = ({ counts }: Tier): string => {
  const met = against.filter(([kind]) => counts[kind] > 0)
  if (met.length === 0) return "no credential"
  return met
    .map(([kind, one, several]) => {
      const count = counts[kind]
      if (count === 1) return `1 ${one}`
      return met.length === 1 ? `all ${count} ${several}` : `${count} ${several}`
    })
    .join(", ")
}

const tiersOf = (upstreams: Need["upstreams"], lacks: Lacks): ReadonlyArray<Tier> => {
  const tier = (upstream: UpstreamId | null, place: number): Tier => ({
    upstream,
    place,
    counts: noCounts(),
    shelves: []
  })
  return upstreams === null
    ? [tier(null, 0)]
    : byCapacity(upstreams, lacks).map((upstream) => tier(upstream, upstreams.indexOf(upstream)))
}

const unavailable = (
  { cooldown, model }: Counts,
  suiting: { readonly disabled: number; readonly outOfQuota: number; readonly limited: number }
): Unavailable => {
  if (cooldown > 0) return suiting.limited === cooldown ? "limited" : "resting"
  if (suiting.outOfQuota > 0) return "out_of_quota"
  return suiting.disabled === 0 && model > 0 ? "model" : "disabled"
}
