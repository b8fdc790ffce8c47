import { assert, describe, it } from "@effect/vitest"
import { DateTime, Schema } from "effect"
import { untouched } from "../../src/credential/CredentialStore.ts"
import { makeEntry, type PoolEntry } from "../../src/credential/PoolEntry.ts"
import { PoolIndex } from "../../src/credential/PoolIndex.ts"
import { type Need, reasonsAgainst } from "../../src/credential/Eligibility.ts"
import { isBefore, type Mode, rankOf } from "../../src/credential/Preference.ts"
import * as Selection from "../../src/credential/Selection.ts"
import { GroupId } from "../../src/message/Ids.ts"
import { anyNeed, id, ready } from "./PoolRig.ts"

const at = (ms: number) => DateTime.makeUnsafe(ms)
const start = 1_000_000

const Small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
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
  successes: Small
})
const Asked = Schema.Struct({
  model: Schema.NullOr(Schema.Literals(["opus", "sonnet", "unheard-of"])),
  exclude: Schema.Array(Small),
  barred: Schema.Array(Small),
  bound: Schema.NullOr(Small),
  holder: Schema.NullOr(Small),
  gatewayFull: Schema.Boolean
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

const entryOf = (drawn: typeof Drawn.Type, index: number): PoolEntry => {
  const entry = makeEntry(ready(String(index)), untouched, 3, true)
  dress(entry, drawn)
  return entry
}

const needOf = ({ barred, exclude, holder, model }: typeof Asked.Type): Need => ({
  ...anyNeed,
  model,
  holder: holder === null ? null : id(String(holder)),
  exclude: new Set(exclude.map((n) => id(String(n)))),
  barred: new Set(barred.map((n) => id(String(n))))
})

type Scanned = { readonly kind: Selection.Choice["kind"]; readonly id: string | null; readonly soonest: number | null }

/** The rules over all credentials one after the other, with nothing kept between two choices. */
const scan = (
  entries: ReadonlyArray<PoolEntry>,
  need: Need,
  bound: string | null,
  gatewayFull: boolean,
  mode: Mode,
  now: number
): Scanned => {
  const isListed = need.model !== null && entries.some(({ models }) => models?.has(need.model ?? "") === true)
  const known = { isListed, isPartial: entries.some(({ models }) => models === null) }
  const against = (entry: PoolEntry) =>
    reasonsAgainst(entry, need, { now, known, pausedUntil: null, gatewayFull }).map(({ kind }) => kind)
  const only = (entry: PoolEntry, ...allowed: ReadonlyArray<string>) =>
    against(entry).every((kind) => allowed.includes(kind))
  const inOrder = entries.toSorted((a, b) => (isBefore(rankOf(a, false), rankOf(b, false), mode) ? -1 : 1))
  const free = inOrder.filter((entry) => only(entry))
  const named = (name: string | null) => free.find(({ credential }) => credential.id === name)
  const own = named(need.holder) ?? named(bound)
  const first = own ?? free[0]
  if (first !== undefined) return { kind: "chosen", id: first.credential.id, soonest: null }
  if (inOrder.some((entry) => only(entry, "full"))) return { kind: "full", id: null, soonest: null }
  const again = inOrder.filter((entry) => only(entry, "tried", "full") && !need.barred.has(entry.credential.id))
  const retried = again.find((entry) => only(entry, "tried"))
  if (retried !== undefined) return { kind: "chosen", id: retried.credential.id, soonest: null }
  if (again.length > 0) return { kind: "full", id: null, soonest: null }
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
      [Schema.Array(Drawn), Schema.Array(Schema.Tuple([Small, Drawn])), Schema.Array(Asked), Schema.Literals([0, 600])],
      ([drawn, changes, asked, later]) => {
        const index = new PoolIndex(mode)
        const entries = drawn.slice(0, 4).map(entryOf)
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
          const bound = ask.bound === null ? null : id(String(ask.bound))
          const { gatewayFull } = ask
          index.advance(now)
          const choice = Selection.choose(index, need, { bound, gatewayFull, overflow: false })
          const seen: Scanned = {
            kind: choice.kind,
            id: choice.kind === "chosen" ? choice.entry.credential.id : null,
            soonest: choice.kind === "unavailable" ? choice.soonest : null
          }
          assert.deepStrictEqual(seen, scan(entries, need, bound, gatewayFull, mode, now))
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
      { bound: bound === null ? null : id(bound), gatewayFull: false, overflow }
    )
  const chosen = (choice: Selection.Choice) => (choice.kind === "chosen" ? choice.entry.credential.id : choice.kind)
  const poolOf = (mode: Mode, ...entries: ReadonlyArray<PoolEntry>) => {
    const index = new PoolIndex(mode)
    for (const entry of entries) index.update(entry, start)
    return index
  }
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
})
