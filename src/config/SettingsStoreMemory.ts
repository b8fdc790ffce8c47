/**
 * SettingsStoreMemory: a `SettingsStore` that lives as long as its layer; for tests and for hosts that keep settings
 * elsewhere.
 */
import { Effect, Layer, Ref } from "effect"
import { SettingsStore, type StoredSetting } from "./SettingsStore.ts"

/** Starts with these settings. */
export const layer = (initial: ReadonlyArray<StoredSetting> = []): Layer.Layer<SettingsStore> =>
  Layer.effect(
    SettingsStore,
    Effect.map(Ref.make(initial), (state) =>
      SettingsStore.of({
        load: Ref.get(state),
        save: (settings) =>
          Ref.update(state, (current) => [
            ...current.filter((old) => !settings.some((changed) => isSame(old, changed.section, changed.member))),
            ...settings
          ]),
        remove: (section, member) =>
          Ref.update(state, (current) => current.filter((old) => !isSame(old, section, member)))
      })
    )
  )

const isSame = (setting: StoredSetting, section: string, member: string): boolean =>
  setting.section === section && setting.member === member
