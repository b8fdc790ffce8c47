/**
 * LedgerStore: the records of requests, kept for as long as the operator wants them.
 *
 * A port: `ledger/` owns it, `storage/` implements it.
 */
import { Context, type Effect } from "effect"
import type { DayUse } from "../message/KeyUse.ts"
import type { Outcome, RequestRecord } from "../message/RequestRecord.ts"
import type { StorageError } from "../message/StorageError.ts"

/** A place in the order of records: the newest first, of one millisecond by id. */
export interface Position {
  readonly time: number
  readonly id: string
}

/** Which records to read. A member that is null leaves none out. */
export interface RecordQuery {
  /** 1 to 1,000. */
  readonly limit: number
  /** Only those after it. */
  readonly after: Position | null
  readonly keyId: string | null
  /** The client's name of the model, or the upstream's. */
  readonly model: string | null
  /** One that was tried. */
  readonly credentialId: string | null
  readonly outcome: Outcome | null
}

/** Longer than any month: budgets are counted by it, whatever the retention of records. */
export const useKept = 62

export class LedgerStore extends Context.Service<
  LedgerStore,
  {
    /** Fails where nothing could be saved now, as far as that shows without a record. */
    readonly check: Effect.Effect<void, StorageError>
    /** Keeps all or none; one that is there already stays as it is. */
    readonly save: (records: ReadonlyArray<RequestRecord>) => Effect.Effect<void, StorageError>
    /** What client keys have used from a day on (whole days since the epoch), also by requests that are forgotten. */
    readonly used: (since: number) => Effect.Effect<ReadonlyArray<DayUse>, StorageError>
    /** The newest first. */
    readonly page: (query: RecordQuery) => Effect.Effect<ReadonlyArray<RequestRecord>, StorageError>
    readonly find: (id: string) => Effect.Effect<RequestRecord | null, StorageError>
    /**
     * Forgets the oldest of those before a time (milliseconds since the epoch); tells how many. What keys have used is
     * remembered for {@link useKept} days before that time.
     */
    readonly prune: (before: number, atMost: number) => Effect.Effect<number, StorageError>
  }
>()("weir/ledger/LedgerStore") {}
