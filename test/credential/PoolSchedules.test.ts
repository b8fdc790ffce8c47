import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Exit, Fiber, Layer, References, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialStore, untouched } from "../../src/credential/CredentialStore.ts"
import * as Cooldown from "../../src/credential/Cooldown.ts"
import * as PoolCore from "../../src/credential/PoolCore.ts"
import { makeEntry, permitsOf, type PoolEntry } from "../../src/credential/PoolEntry.ts"
import * as PoolLeases from "../../src/credential/PoolLeases.ts"
import * as PoolReports from "../../src/credential/PoolReports.ts"
import type { Need } from "../../src/credential/Eligibility.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"
import { chosen } from "../support/Credentials.ts"
import { anyNeed, failureOf, id, providerLayer, ready, settingsLayer, settle, storeOf, succeeded } from "./PoolRig.ts"

const names = ["a", "b", "c"]
const Small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))
const Lease = Schema.Struct({
  do: Schema.Literal("lease"),
  need: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8 }))
})
const Step = Schema.Union([
  Lease,
  Schema.Struct({ do: Schema.Literals(["release", "interrupt"]), which: Small }),
  Schema.Struct({ do: Schema.Literal("resize"), each: Small, all: Small }),
  Schema.Struct({
    do: Schema.Literal("fail"),
    which: Small,
    kind: Schema.Literals(["rate_limit", "auth", "network", "model_capacity"])
  }),
  Schema.Struct({
    do: Schema.Literal("tell"),
    which: Small,
    remaining: Schema.Literals([0, 5, 50]),
    seconds: Schema.Literals([-1, 5, 100])
  }),
  Schema.Struct({ do: Schema.Literals(["succeed", "begin", "disable", "enable"]), which: Small }),
  Schema.Struct({
    do: Schema.Literal("settings"),
    mode: Schema.Literals(["priority", "balanced"]),
    whenFull: Schema.Literals(["queue", "queue", "reject", "overflow"])
  }),
  Schema.Struct({ do: Schema.Literal("restart") }),
  Schema.Struct({ do: Schema.Literal("wait"), seconds: Schema.Literals([1, 10, 31, 200]) })
])
// Leases twice as often as anything else, so that queues form.
const Steps = Schema.Array(Schema.Union([Lease, Step])).check(Schema.isMaxLength(60))

const [kiro, other] = [UpstreamId.make("kiro"), UpstreamId.make("other")]

const needs: ReadonlyArray<Need> = [
  anyNeed,
  { ...anyNeed, exclude: new Set([id("a")]) },
  { ...anyNeed, barred: new Set([id("a"), id("b")]) },
  { ...anyNeed, model: "only a" },
  { ...anyNeed, client: "one" },
  { ...anyNeed, client: "two", conversation: "c" },
  { ...anyNeed, model: "another", upstreams: [kiro] },
  { ...anyNeed, model: "another", upstreams: [other, kiro] },
  { ...anyNeed, only: id("b") }
]

/** One client: waits, holds or is done. */
interface Client {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly need: Need
  state: "waits" | "holds" | "done"
  entry: string | null
  borrowed: boolean
}

const pick = <A>(all: ReadonlyArray<A>, which: number): A | undefined =>
  all.length === 0 ? undefined : all[which % all.length]

const makePool = Effect.gen(function* () {
  const core = yield* PoolCore.make(yield* RuntimeSettings, yield* CredentialStore, yield* UpstreamProvider)
  const now = yield* DateTime.now
  const { cooldown, pool } = core.settings.current()
  for (const { credential, health } of yield* core.store.load) {
    const remembered = Cooldown.afterRestart(health, now, cooldown)
    const entry = makeEntry(credential, remembered, pool.maxInflightPerCredential, true)
    entry.models = new Set(credential.id === id("a") ? ["only a", "another"] : ["another"])
    yield* core.admit(entry)
  }
  yield* PoolLeases.resize(core)
  return core
})

/** What is held for a request that this entry serves. */
const heldOf = (entry: PoolEntry) =>
  ({ entry, model: null, probe: entry.probing, since: 0, turn: 0, borrowed: false, why: chosen }) as const

const begin = Effect.fnUntraced(function* (core: PoolCore.PoolCore, need: Need) {
  // Before the fiber: it may run before its parent goes on.
  const seen: Pick<Client, "state" | "entry" | "borrowed"> = { state: "waits", entry: null, borrowed: false }
  const fiber = yield* PoolLeases.hold(core, need).pipe(
    Effect.tap(({ borrowed, entry }) =>
      Effect.sync(() => Object.assign(seen, { state: "holds", entry: entry.credential.id, borrowed }))
    ),
    Effect.andThen(Effect.never),
    Effect.scoped,
    Effect.onExit(() =>
      Effect.sync(() => {
        seen.state = "done"
      })
    ),
    Effect.forkChild
  )
  return Object.assign(seen, { fiber, need }) satisfies Client
})

const perform = Effect.fnUntraced(function* (core: PoolCore.PoolCore, clients: Array<Client>, step: typeof Step.Type) {
  const entry = "which" in step ? pick([...core.entries], step.which) : undefined
  const stop = (state: Client["state"], which: number) => {
    const client = pick(
      clients.filter((one) => one.state === state),
      which
    )
    return client === undefined ? Effect.void : Fiber.interrupt(client.fiber)
  }
  switch (step.do) {
    case "lease":
      clients.push(yield* begin(core, needs[step.need % needs.length] ?? anyNeed))
      return
    case "release":
      return yield* stop("holds", step.which)
    case "interrupt":
      return yield* stop("waits", step.which)
    case "resize":
      yield* Effect.orDie(core.settings.update("pool", { maxInflightPerCredential: step.each, maxInflight: step.all }))
      return yield* PoolLeases.resize(core)
    case "settings":
      yield* Effect.orDie(core.settings.update("pool", { mode: step.mode, whenFull: step.whenFull }))
      return yield* PoolLeases.resize(core)
    case "restart":
      return
    case "wait":
      return yield* TestClock.adjust(step.seconds * 1000)
  }
  if (entry === undefined) return
  switch (step.do) {
    case "fail": {
      const reason = failureOf(step.kind)
      return yield* PoolReports.report(
        core,
        { entry, model: "another", turn: core.nextTurn() },
        { kind: "failure", reason, need: anyNeed, mayRetrySame: true }
      )
    }
    case "begin":
      return core.accepted(heldOf(entry))
    case "tell": {
      const resetsAt = (yield* Clock.currentTimeMillis) + step.seconds * 1_000
      return core.told(heldOf(entry), new Map([["requests", { limit: 100, remaining: step.remaining, resetsAt }]]))
    }
    case "succeed":
      return yield* PoolReports.report(core, { entry, model: "another", turn: core.nextTurn() }, succeeded)
    case "disable":
      return yield* core.change(entry, (health) => ({ ...health, disabled: { reason: "manual", until: null } }), false)
    case "enable":
      return yield* core.change(entry, () => untouched, false)
  }
})

/** Everything that must hold whenever nobody has anything left to do. */
const check = Effect.fnUntraced(function* (
  core: PoolCore.PoolCore,
  before: ReadonlySet<Client>,
  clients: Array<Client>
) {
  const now = yield* Clock.currentTimeMillis
  const holding = clients.filter(({ borrowed, state }) => state === "holds" && !borrowed)
  const waiting = clients.filter(({ state }) => state === "waits")
  assert.strictEqual(core.outstanding, holding.length, "live leases")
  assert.strictEqual(core.holders.size, core.outstanding, "what is exported of both")
  assert.strictEqual(yield* core.gateway.release(0), core.limit - core.outstanding, "the gateway's semaphore")
  const fresh = holding.filter((client) => !before.has(client))
  if (fresh.length > 0) assert.isAtMost(core.outstanding, core.limit, "the gateway's limit")
  for (const entry of core.entries) {
    const { id: name } = entry.credential
    assert.strictEqual(entry.outstanding, holding.filter((client) => client.entry === name).length, name)
    assert.strictEqual(yield* entry.permits.release(0), entry.limit - entry.outstanding, `semaphore of ${name}`)
    if (fresh.some((client) => client.entry === name)) assert.isAtMost(entry.outstanding, entry.limit, name)
  }
  assert.strictEqual(core.queue.length, waiting.length, "who waits")
  for (const client of waiting) {
    const choice = core.choose(client.need, now)
    assert.strictEqual(choice.kind, "full", "waits although it need not")
    // Its conversation may lead one to a credential that another one is not led to.
    const overtaking = fresh.filter(
      (other) => other.need === client.need && clients.indexOf(other) > clients.indexOf(client)
    )
    assert.deepStrictEqual(overtaking, [], "overtaken")
  }
})

describe("permits", () => {
  it.effect.prop(
    "match live leases at every moment, are never waited for while one is free, and all come back",
    [Steps],
    ([steps]) =>
      Effect.gen(function* () {
        const began = Effect.gen(function* () {
          const scope = yield* Scope.make()
          return { core: yield* Scope.provide(makePool, scope), stop: Scope.close(scope, Exit.void) }
        })
        let { core, stop } = yield* began
        let clients: Array<Client> = []
        const end = Effect.gen(function* () {
          yield* Effect.forEach(clients, ({ fiber }) => Fiber.interrupt(fiber), { discard: true })
          yield* check(core, new Set(), clients)
          assert.deepStrictEqual([core.outstanding, core.borrowed, core.queue.length], [0, 0, 0])
          assert.isTrue([...core.entries].every(({ borrowed, probing }) => borrowed === 0 && probing === null))
          yield* stop
        })
        for (const step of steps) {
          if (step.do === "restart") {
            yield* end
            const health = Array.from(core.entries, (entry) => entry.health)
            ;({ core, stop } = yield* began)
            clients = []
            assert.deepStrictEqual(
              Array.from(core.entries, (entry) => entry.health),
              health
            )
          }
          const before = new Set(clients.filter(({ state }) => state === "holds"))
          yield* perform(core, clients, step)
          yield* settle
          yield* check(core, before, clients)
        }
        yield* end
      }).pipe(
        Effect.scoped,
        Effect.provide(
          Layer.fresh(
            Layer.mergeAll(
              settingsLayer({ pool: { maxInflightPerCredential: 1, queueLimit: 8, queueTimeout: "30 seconds" } }),
              storeOf(names.map((name) => ready(name, { upstream: name === "c" ? other : kiro }))),
              providerLayer()
            )
          )
        )
      ),
    { arbitrary: { runs: 2_000 }, timeout: 60_000 }
  )

  it.effect("are taken and given back in step though fibers yield every few operations", () =>
    Effect.gen(function* () {
      const core = yield* makePool
      const client = Effect.scoped(Effect.andThen(PoolLeases.hold(core, anyNeed), Effect.yieldNow))
      const exits = yield* Effect.forEach(
        Array.from({ length: 200 }),
        (_, n) => (n % 7 === 0 ? Effect.as(PoolLeases.resize(core), Exit.void) : Effect.exit(client)),
        { concurrency: "unbounded" }
      ).pipe(Effect.provideService(References.MaxOpsBeforeYield, 5))
      assert.isTrue(exits.every((exit) => Exit.isSuccess(exit)))
      yield* check(core, new Set(), [])
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.mergeAll(
          settingsLayer({ pool: { maxInflightPerCredential: 2 } }),
          storeOf(names.map((name) => ready(name))),
          providerLayer()
        )
      )
    )
  )

  it("have no limit where the settings say 0", () => {
    assert.strictEqual(makeEntry(ready("a"), untouched, 0, true).limit, permitsOf(0))
  })
})
