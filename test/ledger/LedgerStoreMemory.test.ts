import { describe } from "@effect/vitest"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import { ledgerStoreCases } from "./StoreCases.ts"

describe("LedgerStoreMemory", () => {
  ledgerStoreCases(LedgerStoreMemory.layer)
})
