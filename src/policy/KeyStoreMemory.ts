/**
 * KeyStoreMemory: a `KeyStore` that lives as long as its layer; for tests and for hosts that keep keys elsewhere.
 */
import { Effect, Layer, Ref } from "effect"
import { KeyStore, type StoredKey } from "./KeyStore.ts"

/** Starts with these keys. */
export const layer = (initial: ReadonlyArray<StoredKey> = []): Layer.Layer<KeyStore> =>
  Layer.effect(
    KeyStore,
    Effect.map(Ref.make(initial), (state) =>
      KeyStore.of({
        load: Ref.get(state),
        add: (key) => Ref.update(state, (keys) => [...keys, key]),
        update: (id, change) =>
          Ref.update(state, (keys) => keys.map((key) => (key.id === id ? { ...key, ...change } : key))),
        remove: (id) => Ref.update(state, (keys) => keys.filter((key) => key.id !== id)),
        resetAdmin: (key) => Ref.update(state, (keys) => [...keys.filter(({ role }) => role !== "admin"), key])
      })
    )
  )
