import { assert, describe, it } from "@effect/vitest"
import { DateTime, Schema } from "effect"
import { untouched } from "../../src/credential/CredentialStore.ts"
import { makeEntry, type PoolEntry } from "../../src/credential/PoolEntry.ts"
import { PoolIndex } from "../../src/credential/PoolIndex.ts"
import { type Need, reasonsAgainst } from "../../src/credential/Eligibility.ts"
import { isBefore, type Mode, rankOf } from "../../src/credential/Preference.ts"
import * as Selection from "../../src/credential/Selection.ts"
import { GroupId, UpstreamId } from "../../src/message/Ids.ts"
import { anyNeed, id, ready } from "./PoolRig.ts"

const at = (ms: number) => DateTime.makeUnsafe(ms)
const start = 1_000_000

const Small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
const Upstream = Schema.Literals(["kiro", "other", "third"]).pipe(Schema.decodeTo(UpstreamId))
const Drawn = Schema.Struct({
  priority: Small,
  group: Schema.Literals(["", "eu"]),
  models: Schema.NullOr(Schema.Literals(["opus", "sonnet", "both"])),
  free: Schema.Boolean,
  disabled: Schema.Literals(["no", "no", "no", "manual", "quota_exceeded", "past"]),
  cooling: Schema.NullOr(Schema.Literals([-1, 500, 5_000])),
  reason: Schema.Literals(["rate_limit", "upstream_error"]),
  outstanding: Small,
  troubled: Schema.Boolean,
  scarce: Schema.NullOr(Schema.Literals([-1, 500, 5_000])),
  successes: Small
})
const Asked = Schema.Struct({
  model: Schema.NullOr(Schema.Literals(["opus", "sonnet", "unheard-of"])),
  exclude: Schema.Array(Small),
  barred: Schema.Array(Small),
  bound: Schema.NullOr(Small),
  holder: Schema.NullOr(Small),
  upstreams: Schema.NullOr(Schema.Array(Upstream).check(Schema.isUnique())),
  lacking: Schema.Array(Upstream),
  only: Schema.NullOr(Small),
  gatewayFull: Schema.Boolean,
  overflow: Schema.Boolean
})

const modelsOf = { opus: ["opus"], sonnet: ["sonnet"], both: ["opus", "sonnet"] } as const

/** Puts an entry into a drawn state. */
const dress = (entry: PoolEntry, drawn: typeof Drawn.Type): void => {
  entry.credential = {
    ...entry.credential,
    priority: drawn.priority,
    group: drawn.group === "" ? null : GroupId.make(drawn.group),
    subscription: drawn.free ? "KIRO FREE" : null
  }
  entry.models = drawn.models === null ? null : new Set(modelsOf[drawn.models])
  entry.outstanding = drawn.outstanding
  entry.scarceUntil = drawn.scarce === null ? null : start + drawn.scarce
  entry.troubledAt = drawn.troubled ? start - 10 : null
  const until = drawn.disabled === "manual" ? null : at(drawn.disabled === "past" ? start - 1 : start + 900)
  const reason = drawn.disabled === "manual" ? "manual" : "quota_exceeded"
  entry.health = {
    ...untouched,
    successCount: drawn.successes,
    disabled: drawn.disabled === "no" ? null : { reason, until },
    cooldown:
      drawn.cooling === null
        ? null
        : {
            reason: drawn.reason,
            until: at(start + drawn.cooling),
            scope: "credential",
            source: "table",
            directoryKey: null
          }
  }
}

const entryOf = (drawn: typeof Drawn.Type, upstream: UpstreamId, index: number): PoolEntry => {
  const entry = makeEntry(ready(String(index), { upstream }), untouched, 3, true)
  dress(entry, drawn)
  return entry
}

const needOf = ({ barred, exclude, holder, model, only, upstreams }: typeof Asked.Type): Need => ({
  ...anyNeed,
  model,
  upstreams,
  only: only === null ? null : id(String(only)),
  holder: holder === null ? null : id(String(holder)),
  exclude: new Set(exclude.map((n) => id(String(n)))),
  barred: new Set(barred.map((n) => id(String(n))))
})

type Scanned = { readonly kind: Selection.Choice["kind"]; readonly id: string | null; readonly soonest: number | null }

/** The rules over all credentials one after the other, with nothing kept between two choices. */
const scan = (
  entries: ReadonlyArray<PoolEntry>,
  need: Need,
  { bound, gatewayFull, lacks, overflow }: Selection.ChoiceContext,
  mode: Mode,
  now: number
): Scanned => {
  const isListed = need.model !== null && entries.some(({ models }) => models?.has(need.model ?? "") === true)
  const known = { isListed, isPartial: entries.some(({ models }) => models === null) }
  const against = (entry: PoolEntry) =>
    reasonsAgainst(entry, need, { now, known, pausedUntil: null, gatewayFull }).map(({ kind }) => kind)
  const only = (entry: PoolEntry, ...allowed: ReadonlyArray<string>) =>
    against(entry).every((kind) => allowed.includes(kind))
  const place = ({ credential: { upstream } }: PoolEntry) =>
    need.upstreams === null ? 0 : need.upstreams.indexOf(upstream) + (lacks(upstream) ? 10 : 0)
  const inOrder = entries
    .toSorted((a, b) => (isBefore(rankOf(a, false, now), rankOf(b, false, now), mode) ? -1 : 1))
    .toSorted((a, b) => place(a) - place(b))
  const free = inOrder.filter((entry) => only(entry))
  const [best] = free
  const named = (name: string | null) =>
    free.find((entry) => entry.credential.id === name && best !== undefined && place(entry) === place(best))
  const own = named(need.holder) ?? named(bound)
  const first = own ?? best
  if (first !== undefined) return { kind: "chosen", id: first.credential.id, soonest: null }
  /** Those who have a permit left of their own come first, upstream by upstream. */
  const full = (those: ReadonlyArray<PoolEntry>): Scanned => {
    const isFull = ({ limit, outstanding }: PoolEntry) => (outstanding >= limit ? 1 : 0)
    const [borrowed] = those.toSorted((a, b) => place(a) - place(b) || isFull(a) - isFull(b))
    return overflow && borrowed !== undefined
      ? { kind: "chosen", id: borrowed.credential.id, soonest: null }
      : { kind: "full", id: null, soonest: null }
  }
  const fresh = inOrder.filter((entry) => only(entry, "full"))
  if (fresh.length > 0) return full(fresh)
  const again = inOrder.filter((entry) => only(entry, "tried", "full") && !need.barred.has(entry.credential.id))
  const retried = again.find((entry) => only(entry, "tried"))
  if (retried !== undefined) return { kind: "chosen", id: retried.credential.id, soonest: null }
  if (again.length > 0) return full(again)
  const ends = inOrder
    .filter((entry) => only(entry, "cooldown", "disabled", "tried", "full"))
    .flatMap(({ health: { cooldown, disabled } }) => {
      if (disabled !== null && disabled.until === null) return []
      const end = Math.max(
        ...[cooldown?.until, disabled?.until].map((until) => (until == null ? 0 : DateTime.toEpochMillis(until)))
      )
      return end > now ? [end] : []
    })
  return { kind: "unavailable", id: null, soonest: ends.length === 0 ? null : Math.min(...ends) }
}

describe("Selection", () => {
  for (const mode of ["priority", "balanced"] as const) {
    it.prop(
      `chooses whom a scan of all states would choose, after any changes and with time passing: ${mode}`,
      [
        Schema.Array(Schema.Tuple([Drawn, Upstream])),
        Schema.Array(Schema.Tuple([Small, Drawn])),
        Schema.Array(Asked),
        Schema.Literals([0, 600])
      ],
      ([drawn, changes, asked, later]) => {
        const index = new PoolIndex(mode)
        const entries = drawn.slice(0, 4).map(([one, upstream], n) => entryOf(one, upstream, n))
        for (const entry of entries) index.update(entry, start)
        for (const [which, change] of changes) {
          const entry = entries[which]
          if (entry === undefined) continue
          dress(entry, change)
          index.update(entry, start)
        }
        const now = start + later
        for (const ask of asked) {
          const need = needOf(ask)
          const { gatewayFull, lacking, overflow } = ask
          const lacks = (upstream: UpstreamId) => lacking.includes(upstream)
          const context = { bound: ask.bound === null ? null : id(String(ask.bound)), lacks, gatewayFull, overflow }
          index.advance(now)
          const choice = Selection.choose(index, need, context)
          const seen: Scanned = {
            kind: choice.kind,
            id: choice.kind === "chosen" ? choice.entry.credential.id : null,
            soonest: choice.kind === "unavailable" ? choice.soonest : null
          }
          assert.deepStrictEqual(seen, scan(entries, need, context, mode, now))
          const counts = choice.kind === "chosen" ? choice.why.counts : choice.counts
          assert.strictEqual(
            Object.values(counts).reduce((a, b) => a + b, 0),
            entries.length,
            "every credential is counted once"
          )
          if (choice.kind !== "chosen") continue
          assert.strictEqual(choice.why.credentials[0], choice.entry.credential.id)
          assert.isAtMost(choice.why.credentials.length, 8)
        }
      },
      { arbitrary: { runs: 2_000 } }
    )
  }

  const choose = (index: PoolIndex, need: Partial<Need> = {}, bound: string | null = null, overflow = false) =>
    Selection.choose(
      index,
      { ...anyNeed, ...need },
      { bound: bound === null ? null : id(bound), lacks: () => false, gatewayFull: false, overflow }
    )
  const chosen = (choice: Selection.Choice) => (choice.kind === "chosen" ? choice.entry.credential.id : choice.kind)
  const poolOf = (mode: Mode, ...entries: ReadonlyArray<PoolEntry>) => {
    const index = new PoolIndex(mode)
    for (const entry of entries) index.update(entry, start)
    return index
  }
  const because = (choice: Selection.Choice) => (choice.kind === "chosen" ? choice.why.because : choice.kind)
  const plain = (name: string, priority = 0) => makeEntry(ready(name, { priority }), untouched, 2, true)

  it("passes over those that were tried, and ignores that once nobody else is left", () => {
    const index = poolOf("priority", plain("1"), plain("2", 1))
    assert.strictEqual(chosen(choose(index, { exclude: new Set([id("1")]) })), "2")
    assert.strictEqual(chosen(choose(index, { exclude: new Set([id("1"), id("2")]) })), "1")
    assert.strictEqual(chosen(choose(index, { barred: new Set([id("1"), id("2")]) })), "unavailable")
  })

  it("stays with the one that served last among equals, and returns to a preferred one as soon as it can serve", () => {
    const [a, b, c] = [plain("a"), plain("b", 1), plain("c", 1)]
    const index = poolOf("priority", a, b, c)
    a.health = { ...untouched, disabled: { reason: "manual", until: null } }
    index.update(a, start)
    c.health = { ...untouched, successCount: 0 }
    b.health = { ...untouched, successCount: 9 }
    index.update(b, start)
    assert.strictEqual(chosen(choose(index)), "c")
    index.elect(c)
    c.health = { ...untouched, successCount: 100 }
    index.update(c, start)
    assert.strictEqual(chosen(choose(index)), "c")
    a.health = untouched
    index.update(a, start)
    assert.strictEqual(chosen(choose(index)), "a")
  })

  it("keeps a conversation with its credential in both modes, as long as that one can serve", () => {
    for (const mode of ["priority", "balanced"] as const) {
      const [a, b] = [plain("a"), plain("b", 1)]
      const index = poolOf(mode, a, b)
      const found = choose(index, {}, "b")
      assert.strictEqual(chosen(found), "b")
      assert.strictEqual(found.kind === "chosen" ? found.by : "", "conversation")
      b.outstanding = 2
      index.update(b, start)
      assert.strictEqual(chosen(choose(index, {}, "b")), "a")
      assert.strictEqual(chosen(choose(index, {}, "gone")), "a")
    }
  })

  it("takes the least busy in balanced mode", () => {
    const [a, b] = [plain("a"), plain("b", 1)]
    const index = poolOf("balanced", a, b)
    assert.strictEqual(chosen(choose(index)), "a")
    a.outstanding = 1
    index.update(a, start)
    assert.strictEqual(chosen(choose(index)), "b")
    index.setMode("priority")
    assert.strictEqual(chosen(choose(index)), "a")
  })

  it("takes one with little left of its limits after its equals in balanced mode, until the limits begin anew", () => {
    const [a, b] = [plain("a"), plain("b", 1)]
    const index = poolOf("balanced", a, b)
    a.scarceUntil = start + 1_000
    index.update(a, start)
    assert.strictEqual(chosen(choose(index)), "b")
    assert.strictEqual(because(choose(index)), "more is left of its limits")
    b.outstanding = 1
    index.update(b, start)
    assert.strictEqual(chosen(choose(index)), "a", "it is less busy")
    b.outstanding = 0
    index.update(b, start)
    index.advance(start + 999)
    assert.strictEqual(chosen(choose(index)), "b")
    index.advance(start + 1_000)
    assert.strictEqual(chosen(choose(index)), "a")
    index.setMode("priority")
    a.scarceUntil = start + 9_000
    index.update(a, start + 1_000)
    assert.strictEqual(chosen(choose(index)), "a")
  })

  it("leaves an upstream alone as a whole, and says until when", () => {
    const a = plain("a")
    const index = poolOf("priority", a)
    index.pause(a.credential.upstream, start + 5_000)
    const choice = choose(index)
    assert.deepInclude(choice, { kind: "unavailable", because: "resting", soonest: start + 5_000 })
    index.advance(start + 5_000)
    assert.strictEqual(chosen(choose(index)), "a")
  })

  it("borrows the best one where it may, and never one that only one request may try", () => {
    const [a, b] = [plain("a"), plain("b", 1)]
    for (const entry of [a, b]) entry.outstanding = 2
    const index = poolOf("priority", a, b)
    assert.strictEqual(choose(index).kind, "full")
    const borrowed = choose(index, {}, null, true)
    assert.strictEqual(borrowed.kind === "chosen" ? borrowed.by : "", "borrowed")
    assert.strictEqual(chosen(borrowed), "a")
    a.probing = {}
    assert.strictEqual(chosen(choose(index, {}, null, true)), "b")
  })

  it("tells why nobody can serve", () => {
    const entry = plain("a")
    const index = poolOf("priority", entry)
    const because = (health: Partial<PoolEntry["health"]>) => {
      entry.health = { ...untouched, ...health }
      index.update(entry, start)
      const choice = choose(index, { model: "opus" })
      return choice.kind === "unavailable" ? choice.because : choice.kind
    }
    const cooldown = { until: at(start + 1), scope: "credential", source: "table", directoryKey: null } as const
    assert.strictEqual(because({ cooldown: { ...cooldown, reason: "rate_limit" } }), "limited")
    assert.strictEqual(because({ cooldown: { ...cooldown, reason: "timeout" } }), "resting")
    assert.strictEqual(because({ disabled: { reason: "quota_exceeded", until: at(start + 1) } }), "out_of_quota")
    assert.strictEqual(because({ disabled: { reason: "manual", until: null } }), "disabled")
    entry.credential = { ...entry.credential, subscription: "KIRO FREE" }
    assert.strictEqual(because({}), "model")
  })

  it("asks those whose models are not known before those that are known to lack one", () => {
    const [listed, unknown] = [plain("a"), plain("b", 1)]
    listed.models = new Set(["sonnet"])
    const index = poolOf("priority", listed, unknown)
    assert.strictEqual(chosen(choose(index, { model: "new" })), "b")
    assert.strictEqual(chosen(choose(index, { model: "sonnet" })), "a")
    unknown.models = new Set(["sonnet"])
    index.update(unknown, start)
    assert.strictEqual(chosen(choose(index, { model: "new" })), "a", "nobody lists it: the upstream may know it")
  })

  it("says what decided", () => {
    const because = (mode: Mode, a: PoolEntry, b: PoolEntry) => {
      const choice = choose(poolOf(mode, a, b))
      return choice.kind === "chosen" ? choice.why.because : choice.kind
    }
    assert.strictEqual(because("priority", plain("a"), plain("b", 1)), "the lowest priority number")
    assert.strictEqual(because("priority", plain("a"), plain("b")), "it came to the pool first")
    const busy = plain("b")
    busy.outstanding = 1
    assert.strictEqual(because("balanced", plain("a"), busy), "the fewest requests under way")
    const served = plain("b")
    served.health = { ...untouched, successCount: 1 }
    assert.strictEqual(because("balanced", plain("a"), served), "the fewest answers so far")
  })

  const ofOther = (name: string, priority = 0) =>
    makeEntry(ready(name, { priority, upstream: UpstreamId.make("other") }), untouched, 2, true)
  const upstreams = [UpstreamId.make("kiro"), UpstreamId.make("other")]

  it("takes plans without cost to lack opus only while their models are not known", () => {
    const entry = makeEntry(ready("a", { subscription: "KIRO FREE" }), untouched, 1, true)
    const index = poolOf("priority", entry)
    assert.strictEqual(choose(index, { model: "claude-opus-4.5" }).kind, "unavailable")
    assert.strictEqual(chosen(choose(index, { model: "claude-sonnet-4.5" })), "a")
    entry.models = new Set(["claude-opus-4.5"])
    index.update(entry, start)
    assert.strictEqual(chosen(choose(index, { model: "claude-opus-4.5" })), "a")
    // Nobody lists it: the upstream may know it all the same.
    assert.strictEqual(chosen(choose(index, { model: "claude-of-tomorrow" })), "a")
  })

  it("asks upstreams in the order of the route, whatever is preferred at the next", () => {
    const [a, b, z] = [plain("a", 5), plain("b", 6), ofOther("z")]
    for (const mode of ["priority", "balanced"] as const) {
      const index = poolOf(mode, a, b, z)
      assert.strictEqual(chosen(choose(index, { upstreams })), "a")
      assert.strictEqual(
        chosen(choose(index, { upstreams, holder: id("z") }, "z")),
        "a",
        "stickiness is of one upstream"
      )
      assert.strictEqual(chosen(choose(index, { upstreams, holder: id("b") }, "z")), "b")
      assert.strictEqual(chosen(choose(index, { upstreams: upstreams.toReversed() })), "z")
    }
  })

  it("goes to the next upstream where nobody of the first serves at once, and says why", () => {
    const [a, b, z] = [plain("a"), plain("b"), ofOther("z", 3)]
    const index = poolOf("priority", a, b, z)
    const tried = choose(index, { upstreams, exclude: new Set([id("a"), id("b")]) })
    assert.deepStrictEqual([chosen(tried), because(tried)], ["z", "kiro: all 2 were tried; other: no other can serve"])
    for (const entry of [a, b]) {
      entry.outstanding = 2
      index.update(entry, start)
    }
    const full = choose(index, { upstreams })
    assert.deepStrictEqual([chosen(full), because(full)], ["z", "kiro: all 2 are full; other: no other can serve"])
    a.health = { ...untouched, disabled: { reason: "manual", until: null } }
    index.update(a, start)
    assert.strictEqual(
      because(choose(index, { upstreams })),
      "kiro: 1 is full, 1 is disabled; other: no other can serve"
    )
    index.pause(UpstreamId.make("kiro"), start + 5_000)
    assert.match(because(choose(index, { upstreams })), /^kiro: 1 rests, 1 is disabled; /)
  })

  it("names others that could have served after the chosen one, upstream by upstream", () => {
    const index = poolOf("priority", plain("a", 9), plain("b", 8), ofOther("z"))
    const choice = choose(index, { upstreams })
    assert.deepStrictEqual(choice.kind === "chosen" ? choice.why.credentials : [], [id("b"), id("a"), id("z")])
    assert.strictEqual(because(choice), "the lowest priority number")
  })

  it("tries nobody again while somebody fresh is left at another upstream, and borrows at the first", () => {
    const [a, z] = [plain("a"), ofOther("z")]
    const index = poolOf("priority", a, z)
    z.outstanding = 2
    index.update(z, start)
    assert.strictEqual(choose(index, { upstreams, exclude: new Set([id("a")]) }).kind, "full", "it waits for the other")
    assert.strictEqual(chosen(choose(index, { upstreams, exclude: new Set([id("a"), id("z")]) })), "a")
    a.outstanding = 2
    index.update(a, start)
    assert.strictEqual(chosen(choose(index, { upstreams: upstreams.toReversed() }, null, true)), "z")
    assert.strictEqual(chosen(choose(index, { upstreams }, null, true)), "a")
  })

  it("asks no upstream that the route does not name", () => {
    const [a, z] = [plain("a"), ofOther("z")]
    const index = poolOf("priority", a, z)
    a.health = { ...untouched, disabled: { reason: "manual", until: null } }
    index.update(a, start)
    const only = { upstreams: upstreams.slice(0, 1) }
    const choice = choose(index, only)
    assert.deepInclude(choice, { kind: "unavailable", because: "disabled", soonest: null })
    assert.strictEqual(choice.kind === "unavailable" ? choice.counts.model : 0, 1)
    assert.deepInclude(choose(index, { upstreams: [UpstreamId.make("third")] }), {
      kind: "unavailable",
      because: "model"
    })
    const around = { now: start, known: index.knowledge(null), pausedUntil: null, gatewayFull: false }
    assert.deepStrictEqual(reasonsAgainst(z, { ...anyNeed, ...only }, around), [
      { kind: "model", detail: "its upstream is not asked for this model", until: null }
    ])
  })

  it("tells the soonest recovery over all upstreams of the route", () => {
    const [a, z] = [plain("a"), ofOther("z")]
    const rest = (until: number) => ({
      ...untouched,
      cooldown: {
        reason: "timeout",
        until: at(until),
        scope: "credential",
        source: "table",
        directoryKey: null
      } as const
    })
    a.health = rest(start + 900)
    z.health = rest(start + 300)
    const index = poolOf("priority", a, z)
    assert.deepInclude(choose(index, { upstreams }), { because: "resting", soonest: start + 300 })
    assert.deepInclude(choose(index, { upstreams: upstreams.slice(0, 1) }), { soonest: start + 900 })
  })

  it("keeps the one that served last of each upstream", () => {
    const [a, b, z] = [plain("a"), plain("b"), ofOther("z")]
    const index = poolOf("priority", a, b, z)
    b.health = { ...untouched, successCount: 9 }
    index.update(b, start)
    index.elect(b)
    index.elect(z)
    assert.strictEqual(chosen(choose(index, { upstreams })), "b")
    index.remove(z)
    assert.strictEqual(chosen(choose(index, { upstreams })), "b")
  })

  it("takes the one credential that may serve, whoever is preferred, as a pool of one", () => {
    const [a, b] = [plain("a"), plain("b", 1)]
    const index = poolOf("priority", a, b)
    const pinned = choose(index, { only: id("b"), holder: id("a") }, "a")
    assert.deepStrictEqual(
      [chosen(pinned), because(pinned), pinned.kind === "chosen" ? pinned.by : ""],
      ["b", "the conversation lives at this account", "conversation"]
    )
    assert.deepInclude(pinned.kind === "chosen" ? pinned.why.counts : {}, { eligible: 1, model: 1 })
    assert.strictEqual(chosen(choose(index, { only: id("b"), exclude: new Set([id("b")]) })), "b")
    b.outstanding = 2
    index.update(b, start)
    assert.strictEqual(choose(index, { only: id("b") }).kind, "full")
    const borrowed = choose(index, { only: id("b") }, null, true)
    assert.deepStrictEqual([chosen(borrowed), borrowed.kind === "chosen" ? borrowed.by : ""], ["b", "borrowed"])
    b.health = { ...untouched, disabled: { reason: "manual", until: null } }
    index.update(b, start)
    assert.deepInclude(choose(index, { only: id("b") }), { kind: "unavailable", because: "disabled" })
    assert.deepInclude(choose(index, { only: id("a"), upstreams: upstreams.slice(1) }), { because: "model" })
    const around = { now: start, known: index.knowledge(null), pausedUntil: null, gatewayFull: false }
    assert.deepStrictEqual(reasonsAgainst(a, { ...anyNeed, only: id("b") }, around), [
      { kind: "model", detail: "the conversation lives at another account", until: null }
    ])
  })

  it("tells that the one credential that may serve is gone", () => {
    const index = poolOf("priority", plain("a"))
    const gone = choose(index, { only: id("b") })
    assert.deepInclude(gone, { kind: "unavailable", because: "gone", soonest: null })
    assert.deepInclude(gone.kind === "unavailable" ? gone.counts : {}, { model: 1, eligible: 0 })
  })
})
