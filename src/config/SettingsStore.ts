/**
 * SettingsStore: where hot settings that an operator changed outlive the process.
 *
 * A port: `config/` owns it, `storage/` implements it.
 */
import { Context, type Effect } from "effect"
import type { StorageError } from "../message/StorageError.ts"

/** One stored member: `section` is e.g. `pool`, `member` e.g. `queueTimeout`; the value is its JSON. */
export interface StoredSetting {
  readonly section: string
  readonly member: string
  readonly value: unknown
}

export class SettingsStore extends Context.Service<
  SettingsStore,
  {
    readonly load: Effect.Effect<ReadonlyArray<StoredSetting>, StorageError>
    /** Writes all or none. */
    readonly save: (settings: ReadonlyArray<StoredSetting>) => Effect.Effect<void, StorageError>
    readonly remove: (section: string, member: string) => Effect.Effect<void, StorageError>
  }
>()("weir/config/SettingsStore") {}
