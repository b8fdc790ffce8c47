/**
 * PinStoreMemory: a `PinStore` that lives as long as its layer; for tests and for hosts that keep pins elsewhere.
 */
import { Effect, Layer } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import { PinKind } from "../message/Pin.ts"
import { mostPins, PinStore } from "./PinStore.ts"

const make = (most: number) =>
  Effect.sync(() => {
    /** Each kind in the order of saving. */
    const pins = new Map(PinKind.literals.map((kind) => [kind, new Map<string, CredentialId>()]))
    const forget = (id: string) => {
      for (const ofKind of pins.values()) ofKind.delete(id)
    }
    return PinStore.of({
      find: (id) => Effect.sync(() => [...pins.values()].find((ofKind) => ofKind.has(id))?.get(id) ?? null),
      save: (made, credentialId) =>
        Effect.sync(() => {
          for (const { id, kind } of made) {
            forget(id)
            const ofKind = pins.get(kind)
            ofKind?.set(id, credentialId)
            for (const oldest of ofKind?.keys() ?? []) {
              if (ofKind === undefined || ofKind.size <= most) break
              ofKind.delete(oldest)
            }
          }
        }),
      remove: (id) => Effect.sync(() => forget(id))
    })
  })

/** @param most pins of each kind that are kept */
export const layerOf = (most: number): Layer.Layer<PinStore> => Layer.effect(PinStore, make(most))

export const layer: Layer.Layer<PinStore> = layerOf(mostPins)
