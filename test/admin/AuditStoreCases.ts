/**
 * AuditStoreCases: what every implementation of the audit's store must do.
 */
import { assert, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { type AuditEntry, AuditStore, keptEntries } from "../../src/admin/AuditStore.ts"

const entry = (time: number): AuditEntry => ({
  time,
  who: "admin",
  method: "POST",
  path: "/api/admin/credentials",
  ids: ["a", 'b "quoted"'],
  before: null,
  after: { priority: 1, list: [true, null, "x"] }
})

export const auditStoreCases = <E>(store: Layer.Layer<AuditStore, E>) => {
  it.effect("returns entries as they were added, the newest first, by page", () =>
    Effect.gen(function* () {
      const audit = yield* AuditStore
      assert.deepStrictEqual(yield* audit.page({ limit: 2, before: null }), [])
      for (const time of [1, 2, 3]) yield* audit.add(entry(time))
      const first = yield* audit.page({ limit: 2, before: null })
      assert.deepStrictEqual(first, [
        { ordinal: 3, entry: entry(3) },
        { ordinal: 2, entry: entry(2) }
      ])
      assert.deepStrictEqual(yield* audit.page({ limit: 2, before: 2 }), [{ ordinal: 1, entry: entry(1) }])
    }).pipe(Effect.provide(store))
  )

  it.effect("keeps the newest 10,000", () =>
    Effect.gen(function* () {
      const audit = yield* AuditStore
      for (let time = 1; time <= keptEntries + 3; time++) yield* audit.add(entry(time))
      const oldest = yield* audit.page({ limit: 10, before: 6 })
      assert.deepStrictEqual(
        oldest.map(({ ordinal }) => ordinal),
        [5, 4]
      )
    }).pipe(Effect.provide(store))
  )
}
