import { describe } from "@effect/vitest"
import * as KeyStoreMemory from "../../src/policy/KeyStoreMemory.ts"
import { keyStoreCases } from "../storage/StoreCases.ts"

describe("KeyStoreMemory", () => {
  keyStoreCases(KeyStoreMemory.layer())
})
