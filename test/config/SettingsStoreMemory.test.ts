import { describe } from "@effect/vitest"
import * as SettingsStoreMemory from "../../src/config/SettingsStoreMemory.ts"
import { settingsStoreCases } from "../storage/StoreCases.ts"

describe("SettingsStoreMemory", () => {
  settingsStoreCases(SettingsStoreMemory.layer())
})
