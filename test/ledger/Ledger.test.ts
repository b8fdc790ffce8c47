import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Layer, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Journal from "../../src/ledger/Journal.ts"
import { JournalStore } from "../../src/ledger/JournalStore.ts"
import { Ledger, waiting } from "../../src/ledger/Ledger.ts"
import { LedgerStore, type RecordQuery } from "../../src/ledger/LedgerStore.ts"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import { nothingUsed } from "../../src/message/RequestRecord.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { intent, record } from "./Records.ts"

const all: RecordQuery = { limit: 1_000, after: null, keyId: null, model: null, credentialId: null, outcome: null }
const error = new StorageError({ operation: "test", cause: new Error("full") })
const nothing = () => null

/** A ledger whose stores fail on demand and outlive it. */
const makeWorld = Effect.gen(function* () {
  const journal = { text: "", isBroken: false, appends: 0 }
  const tables = { isBroken: false, ready: Effect.void }
  const memory = yield* Layer.build(LedgerStoreMemory.layer)
  const store = yield* Effect.provide(LedgerStore, memory)
  const change = (to: () => string) =>
    journal.isBroken
      ? Result.fail(error)
      : Result.map(Result.void, () => {
          journal.text = to()
        })
  const stores = Layer.merge(
    Layer.succeed(JournalStore, {
      load: Effect.sync(() => journal.text.split("\n").filter((line) => line !== "")),
      append: (lines) => {
        journal.appends++
        return change(() => journal.text + lines)
      },
      replace: (lines) => change(() => lines)
    }),
    Layer.succeed(LedgerStore, {
      ...store,
      check: Effect.suspend(() => (tables.isBroken ? Effect.fail(error) : Effect.void)),
      save: (records) => (tables.isBroken ? Effect.fail(error) : Effect.andThen(tables.ready, store.save(records)))
    })
  )
  const scope = yield* Effect.scope
  /** Starts it, in a scope of its own: closed, it stops in peace; left open, it has died. */
  const start = Effect.fnUntraced(function* (retention: Duration.Input = "30 days") {
    const own = yield* Scope.fork(scope)
    const services = yield* Layer.buildWithScope(
      Layer.fresh(Ledger.layer(Duration.fromInputUnsafe(retention)).pipe(Layer.provide(stores))),
      own
    )
    const ledger = yield* Effect.provide(Ledger, services)
    return { ledger, stop: Scope.close(own, Exit.void) }
  })
  return { journal, tables, store, start }
})

const outcomes = (ledger: Ledger["Service"]) =>
  Effect.map(ledger.page(all), (records) => records.map(({ id, outcome }) => `${id} ${outcome}`))

describe("Ledger", () => {
  it.effect("has settled a request when that returns: a process that dies then loses nothing", () =>
    Effect.gen(function* () {
      const { start } = yield* makeWorld
      const first = yield* start()
      const one = yield* first.ledger.open(intent("req_1"), nothing)
      yield* first.ledger.open(intent("req_2"), nothing)
      one.settle(record("req_1"))
      const second = yield* start()
      assert.deepStrictEqual(yield* outcomes(second.ledger), ["req_2 abandoned", "req_1 ok"])
      assert.deepStrictEqual(yield* second.ledger.find("req_1"), record("req_1"))
    })
  )

  it.effect("knows what keys have used, each request once, whenever the process dies", () =>
    Effect.gen(function* () {
      const { start } = yield* makeWorld
      const first = yield* start()
      const total = (ledger: Ledger["Service"], key: string) => ledger.used(key)?.in("month", 0)
      const one = yield* first.ledger.open(intent("req_1"), nothing)
      one.settle(record("req_1"))
      one.settle(record("req_1"))
      assert.deepStrictEqual(total(first.ledger, "key-1"), { tokens: 15, credits: 0.01 })
      assert.isNull(first.ledger.used("key-2"))
      const second = yield* start()
      yield* second.ledger.open(intent("req_2", { keyId: "key-2" }), () => ({ ...nothingUsed, output_tokens: 7 }))
      assert.deepStrictEqual(total(second.ledger, "key-1"), { tokens: 15, credits: 0.01 })
      yield* TestClock.adjust("1 second")
      yield* second.ledger.page(all)
      const third = yield* start()
      assert.deepStrictEqual(total(third.ledger, "key-1"), { tokens: 15, credits: 0.01 })
      assert.deepStrictEqual(total(third.ledger, "key-2"), { tokens: 7, credits: 0 })
      assert.strictEqual(third.ledger.used("key-1")?.lastAt, 1_000)
    })
  )

  it.effect("settles each request once", () =>
    Effect.gen(function* () {
      const { start } = yield* makeWorld
      const { ledger } = yield* start()
      const one = yield* ledger.open(intent("req_1"), nothing)
      one.settle(record("req_1"))
      one.settle(record("req_1", { outcome: "client_closed" }))
      assert.deepStrictEqual(yield* outcomes(ledger), ["req_1 ok"])
    })
  )

  it.effect("writes once for each end, and nothing for a beginning by itself", () =>
    Effect.gen(function* () {
      const { journal, start } = yield* makeWorld
      const { ledger } = yield* start()
      const open = yield* Effect.forEach([1, 2, 3], (n) => ledger.open(intent(`req_${n}`), nothing))
      assert.strictEqual(journal.appends, 0)
      open[0]?.settle(record("req_1"))
      assert.strictEqual(journal.appends, 1)
      assert.include(journal.text, Journal.opened(intent("req_3")), "what was waiting goes along")
    })
  )

  it.effect("notes what an answer under way has used, every second while that changes", () =>
    Effect.gen(function* () {
      const { start } = yield* makeWorld
      const { ledger } = yield* start()
      const usage = { ...nothingUsed, output_tokens: 0 }
      yield* ledger.open(intent("req_1"), () => usage)
      usage.output_tokens = 7
      yield* TestClock.adjust("3 seconds")
      const second = yield* start()
      assert.strictEqual((yield* second.ledger.find("req_1"))?.usage.output_tokens, 7)
    })
  )

  it.effect("opens nothing while the tables take nothing, keeps what ends meanwhile, and goes on by itself", () =>
    Effect.gen(function* () {
      const { start, store, tables } = yield* makeWorld
      const { ledger } = yield* start()
      const one = yield* ledger.open(intent("req_1"), nothing)
      tables.isBroken = true
      one.settle(record("req_1"))
      yield* TestClock.adjust("1 second")
      assert.isFalse(ledger.isWorking())
      assert.strictEqual((yield* Effect.flip(ledger.open(intent("req_2"), nothing))).operation, "open a record")
      tables.isBroken = false
      yield* TestClock.adjust("1 second")
      assert.isTrue(ledger.isWorking())
      assert.strictEqual((yield* store.page(all)).length, 1)
    })
  )

  it.effect("takes no new request while the tables are away, though nothing waits for them", () =>
    Effect.gen(function* () {
      const { start, tables } = yield* makeWorld
      const { ledger } = yield* start()
      tables.isBroken = true
      yield* TestClock.adjust("1 second")
      assert.isFalse(ledger.isWorking())
      tables.isBroken = false
      yield* TestClock.adjust("1 second")
      assert.isTrue(ledger.isWorking())
    })
  )

  it.effect("makes good in the journal what could not be written to it", () =>
    Effect.gen(function* () {
      const { journal, start, tables } = yield* makeWorld
      const { ledger } = yield* start()
      const one = yield* ledger.open(intent("req_1"), nothing)
      yield* ledger.open(intent("req_2"), nothing)
      tables.isBroken = true
      journal.isBroken = true
      one.settle(record("req_1"))
      assert.isFalse(ledger.isWorking())
      journal.isBroken = false
      tables.isBroken = false
      yield* TestClock.adjust("1 second")
      assert.isTrue(ledger.isWorking())
      const second = yield* start()
      assert.deepStrictEqual(yield* outcomes(second.ledger), ["req_2 abandoned", "req_1 ok"])
    })
  )

  it.effect("lets no more wait for the tables than it says", () =>
    Effect.gen(function* () {
      const { start, tables } = yield* makeWorld
      const { ledger } = yield* start()
      const gate = yield* Deferred.make<void>()
      tables.ready = Deferred.await(gate)
      for (let n = 0; n < waiting; n++) (yield* ledger.open(intent(`req_${n}`), nothing)).settle(record(`req_${n}`))
      assert.isFalse(ledger.isWorking())
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 second")
      assert.isTrue(ledger.isWorking())
    })
  )

  it.effect("leaves an empty journal where it stops in peace", () =>
    Effect.gen(function* () {
      const { journal, start, store } = yield* makeWorld
      const { ledger, stop } = yield* start()
      for (const n of [1, 2]) (yield* ledger.open(intent(`req_${n}`), nothing)).settle(record(`req_${n}`))
      yield* stop
      assert.strictEqual(journal.text, "")
      assert.strictEqual((yield* store.page(all)).length, 2)
    })
  )

  it.effect("forgets what is older than the operator wants", () =>
    Effect.gen(function* () {
      const { start, store } = yield* makeWorld
      const { ledger } = yield* start("10 minutes")
      for (const minutes of [1, 2, 11]) {
        const time = Duration.toMillis(Duration.minutes(minutes))
        const open = yield* ledger.open(intent(`req_${minutes}`), nothing)
        open.settle(record(`req_${minutes}`, { time }))
      }
      yield* TestClock.adjust("11 minutes")
      assert.deepStrictEqual(
        (yield* store.page(all)).map(({ id }) => id),
        ["req_11", "req_2", "req_1"]
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        (yield* store.page(all)).map(({ id }) => id),
        ["req_11", "req_2"]
      )
    })
  )
})
