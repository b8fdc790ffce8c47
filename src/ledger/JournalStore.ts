/**
 * JournalStore: lines that outlive the process as soon as they are appended.
 *
 * A port: `ledger/` owns it, `storage/` implements it.
 */
import { Context, type Effect, type Result } from "effect"
import type { StorageError } from "../message/StorageError.ts"

export class JournalStore extends Context.Service<
  JournalStore,
  {
    /** What an earlier process left, whole lines in their order. */
    readonly load: Effect.Effect<ReadonlyArray<string>, StorageError>
    /**
     * Has reached the operating system when it returns; all of it or nothing. Synchronous, for the hot path: about as
     * dear as one `write`.
     */
    readonly append: (lines: string) => Result.Result<void, StorageError>
    /** These lines stand in the place of all before; either those or these survive the process. */
    readonly replace: (lines: string) => Result.Result<void, StorageError>
  }
>()("weir/ledger/JournalStore") {}
