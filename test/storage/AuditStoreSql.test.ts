import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { AuditStore } from "../../src/admin/AuditStore.ts"
import * as AuditStoreSql from "../../src/storage/AuditStoreSql.ts"
import { auditStoreCases } from "../admin/AuditStoreCases.ts"
import { memory } from "./TestDatabase.ts"

const store = AuditStoreSql.layer.pipe(Layer.provideMerge(memory))

describe("AuditStoreSql", () => {
  auditStoreCases(store)

  it.effect("fails by name where an entry has another shape", () =>
    Effect.gen(function* () {
      const audit = yield* AuditStore
      const sql = yield* SqlClient.SqlClient
      yield* sql`insert into audit (ordinal, entry) values (1, '{}')`
      const error = yield* Effect.flip(audit.page({ limit: 1, before: null }))
      assert.strictEqual(error.operation, "read the record of changes")
    }).pipe(Effect.provide(store))
  )
})
