/**
 * PinStore: which credential each thing belongs to that lives at an upstream's account.
 *
 * A port: `exchange/` owns it, `storage/` implements it. Bounded: past {@link mostPins} of a kind those saved longest ago
 * are forgotten. A pin outlives its credential, so that it is known that what it names is gone.
 */
import { Context, type Effect } from "effect"
import type { CredentialId } from "../message/Ids.ts"
import type { Made } from "../message/Pin.ts"
import type { StorageError } from "../message/StorageError.ts"

/** Most pins of each kind. */
export const mostPins = 50_000

export class PinStore extends Context.Service<
  PinStore,
  {
    /** Whose it is, or null where that is not known. */
    readonly find: (id: string) => Effect.Effect<CredentialId | null, StorageError>
    /** All of them or none; one that is saved again counts as new. @param now milliseconds since the epoch */
    readonly save: (
      made: ReadonlyArray<Made>,
      credentialId: CredentialId,
      now: number
    ) => Effect.Effect<void, StorageError>
    /** No failure where there is none. */
    readonly remove: (id: string) => Effect.Effect<void, StorageError>
  }
>()("weir/exchange/PinStore") {}
