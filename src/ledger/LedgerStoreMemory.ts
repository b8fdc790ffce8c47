/**
 * LedgerStoreMemory: a ledger's stores that live as long as their layer; for tests and for hosts that keep records
 * elsewhere. The newest {@link kept} records are kept.
 */
import { Effect, Layer, Result } from "effect"
import { dayOf, usesOf } from "../message/KeyUse.ts"
import type { RequestRecord } from "../message/RequestRecord.ts"
import { JournalStore } from "./JournalStore.ts"
import { LedgerStore, type Position, type RecordQuery } from "./LedgerStore.ts"

export const kept = 10_000

const make = Effect.sync(() => {
  /** The newest first. */
  let records: ReadonlyArray<RequestRecord> = []
  return LedgerStore.of({
    check: Effect.void,
    save: (added) =>
      Effect.sync(() => {
        const known = new Set(records.map(({ id }) => id))
        const all = [...records, ...added.filter(({ id }) => !known.has(id))]
        records = all.toSorted((a, b) => (isAfter(a, b) ? 1 : -1)).slice(0, kept)
      }),
    used: (since) => Effect.sync(() => usesOf(records.toReversed().filter(({ time }) => dayOf(time) >= since))),
    page: (query) => Effect.sync(() => records.filter((record) => matches(record, query)).slice(0, query.limit)),
    find: (id) => Effect.sync(() => records.find((record) => record.id === id) ?? null),
    prune: (before, atMost) =>
      Effect.sync(() => {
        const old = new Set(records.filter(({ time }) => time < before).slice(-atMost))
        records = records.filter((record) => !old.has(record))
        return old.size
      })
  })
})

const isAfter = (a: Position, b: Position): boolean => a.time < b.time || (a.time === b.time && a.id < b.id)

const matches = (record: RequestRecord, { after, credentialId, keyId, model, outcome }: RecordQuery): boolean =>
  (after === null || isAfter(record, after)) &&
  (keyId === null || record.keyId === keyId) &&
  (model === null || record.model === model || record.resolvedModel === model) &&
  (credentialId === null || record.attempts.some((attempt) => attempt.credentialId === credentialId)) &&
  (outcome === null || record.outcome === outcome)

const journal = Layer.succeed(JournalStore, {
  load: Effect.succeed([]),
  append: () => Result.void,
  replace: () => Result.void
})

export const layer: Layer.Layer<JournalStore | LedgerStore> = Layer.merge(Layer.effect(LedgerStore, make), journal)
