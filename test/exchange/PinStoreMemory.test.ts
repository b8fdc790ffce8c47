import { describe } from "@effect/vitest"
import * as PinStoreMemory from "../../src/exchange/PinStoreMemory.ts"
import { pinStoreCases } from "./PinCases.ts"

describe("PinStoreMemory", () => {
  pinStoreCases(PinStoreMemory.layerOf)
})
