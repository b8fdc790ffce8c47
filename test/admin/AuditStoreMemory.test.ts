import { describe } from "@effect/vitest"
import { Layer } from "effect"
import * as AuditStoreMemory from "../../src/admin/AuditStoreMemory.ts"
import { auditStoreCases } from "./AuditStoreCases.ts"

describe("AuditStoreMemory", () => {
  auditStoreCases(Layer.fresh(AuditStoreMemory.layer))
})
