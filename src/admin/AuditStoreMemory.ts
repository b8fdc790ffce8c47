/**
 * AuditStoreMemory: an `AuditStore` that lives as long as its layer; for tests and for hosts that keep it elsewhere.
 */
import { Effect, Layer, Ref } from "effect"
import { AuditStore, keptEntries, type StoredEntry } from "./AuditStore.ts"

export const layer: Layer.Layer<AuditStore> = Layer.effect(
  AuditStore,
  Effect.map(Ref.make<ReadonlyArray<StoredEntry>>([]), (entries) =>
    AuditStore.of({
      add: (entry) =>
        Ref.update(entries, (all) => [{ ordinal: (all[0]?.ordinal ?? 0) + 1, entry }, ...all].slice(0, keptEntries)),
      page: ({ before, limit }) =>
        Effect.map(Ref.get(entries), (all) =>
          all.filter(({ ordinal }) => before === null || ordinal < before).slice(0, limit)
        )
    })
  )
)
