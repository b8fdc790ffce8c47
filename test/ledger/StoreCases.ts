/**
 * StoreCases: what every implementation of the ledger's store must do.
 */
import { assert, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { LedgerStore, type RecordQuery } from "../../src/ledger/LedgerStore.ts"
import type { RequestRecord } from "../../src/message/RequestRecord.ts"
import type { StorageError } from "../../src/message/StorageError.ts"
import { attempt, record } from "./Records.ts"

const all: RecordQuery = { limit: 100, after: null, keyId: null, model: null, credentialId: null, outcome: null }

export const ledgerStoreCases = <E>(store: Layer.Layer<LedgerStore, E>) => {
  const test = (name: string, body: (store: LedgerStore["Service"]) => Effect.Effect<void, StorageError>) =>
    it.effect(name, () => Effect.provide(LedgerStore.use(body), store))

  test("returns records as they were saved, by page and by id, once each", (store) =>
    Effect.gen(function* () {
      const records = [
        record("req_2", { time: 2_000, error: { type: "api_error", message: 'it\'s a "quoted" one' } }),
        record("req_1", {
          reported: { input_tokens: 1, output_tokens: 2, cache_creation_input_tokens: 3, cache_read_input_tokens: 4 }
        })
      ]
      yield* store.save(records)
      yield* store.save([record("req_1", { outcome: "abandoned" })])
      assert.deepStrictEqual(yield* store.page(all), records)
      assert.deepStrictEqual(yield* store.find("req_1"), records[1])
      assert.isNull(yield* store.find("req_3"))
    }))

  test("goes through all by pages, the newest first, those of one millisecond too", (store) =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 50 }, (_, n) => `req_${String(n).padStart(2, "0")}`)
      yield* store.save(ids.map((id, n) => record(id, { time: 1_000 + Math.floor(n / 7) })))
      const seen: Array<string> = []
      for (let after: RecordQuery["after"] = null; ;) {
        const page: ReadonlyArray<RequestRecord> = yield* store.page({ ...all, limit: 6, after })
        seen.push(...page.map(({ id }) => id))
        const last: RequestRecord | undefined = page.at(-1)
        if (last === undefined) break
        after = last
      }
      assert.deepStrictEqual(seen, ids.toReversed())
    }))

  test("finds records by each of their members, and by all together", (store) =>
    Effect.gen(function* () {
      yield* store.save([
        record("req_1", { keyId: "key-2" }),
        record("req_2", { model: "my-model" }),
        record("req_3", { attempts: [attempt("a"), attempt("b"), attempt("b")] }),
        record("req_4", { outcome: "client_closed", attempts: [] }),
        record("req_5", { keyId: null })
      ])
      const idsOf = (query: Partial<RecordQuery>) =>
        Effect.map(store.page({ ...all, ...query }), (page) => page.map(({ id }) => id))
      assert.deepStrictEqual(yield* idsOf({ keyId: "key-2" }), ["req_1"])
      assert.deepStrictEqual(yield* idsOf({ model: "my-model" }), ["req_2"])
      assert.strictEqual((yield* idsOf({ model: "claude-sonnet-4.5" })).length, 5)
      assert.deepStrictEqual(yield* idsOf({ credentialId: "b" }), ["req_3"])
      assert.deepStrictEqual(yield* idsOf({ credentialId: "a" }), ["req_5", "req_3", "req_2", "req_1"])
      assert.deepStrictEqual(yield* idsOf({ credentialId: "a", after: { time: 1_000, id: "req_3" } }), [
        "req_2",
        "req_1"
      ])
      assert.deepStrictEqual(yield* idsOf({ outcome: "client_closed" }), ["req_4"])
      assert.deepStrictEqual(yield* idsOf({ outcome: "ok", keyId: "key-1", credentialId: "b" }), ["req_3"])
      assert.deepStrictEqual(yield* idsOf({ outcome: "failed" }), [])
    }))

  test("adds up what keys have used by UTC's days, each record once", (store) =>
    Effect.gen(function* () {
      const day = 86_400_000
      const usage = {
        ...record("").usage,
        input_tokens: 1,
        output_tokens: 10,
        cache_creation_input_tokens: 100,
        cache_read_input_tokens: 1_000
      }
      yield* store.save([
        record("req_1", { time: 3 * day - 1, usage, credits: 0.5 }),
        record("req_2", { time: 3 * day, usage, credits: null }),
        record("req_3", { time: 3 * day + 7, usage, credits: 0.25 }),
        record("req_4", { time: 3 * day + 3, usage, credits: 0.25, keyId: "key-2" }),
        record("req_5", { time: 3 * day, usage, keyId: null })
      ])
      yield* store.save([record("req_3", { time: 3 * day + 9, usage }), record("req_6", { time: 3 * day + 1, usage })])
      assert.deepStrictEqual(yield* store.used(0), [
        { keyId: "key-1", day: 2, tokens: 1_111, credits: 0.5, lastAt: 3 * day - 1 },
        { keyId: "key-1", day: 3, tokens: 3_333, credits: 0.26, lastAt: 3 * day + 7 },
        { keyId: "key-2", day: 3, tokens: 1_111, credits: 0.25, lastAt: 3 * day + 3 }
      ])
      assert.deepStrictEqual(
        (yield* store.used(3)).map(({ keyId }) => keyId),
        ["key-1", "key-2"]
      )
    }))

  test("forgets the oldest first, no more than asked and none that is younger", (store) =>
    Effect.gen(function* () {
      yield* store.save([1, 2, 3, 4, 5].map((n) => record(`req_${n}`, { time: n })))
      assert.strictEqual(yield* store.prune(4, 2), 2)
      assert.deepStrictEqual(
        (yield* store.page({ ...all, credentialId: "a" })).map(({ time }) => time),
        [5, 4, 3]
      )
      assert.strictEqual(yield* store.prune(4, 2), 1)
      assert.strictEqual(yield* store.prune(4, 2), 0)
      assert.deepStrictEqual(
        (yield* store.page(all)).map(({ time }) => time),
        [5, 4]
      )
    }))
}
