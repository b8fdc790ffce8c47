/**
 * AuditStore: what operators have changed, kept over restarts.
 *
 * A port: `admin/` owns it, `storage/` implements it. The newest {@link keptEntries} are kept.
 */
import { Context, type Effect, Schema } from "effect"
import type { StorageError } from "../message/StorageError.ts"

/** Entries that are kept; past it the oldest go. */
export const keptEntries = 10_000

/** One change. Holds no secret. */
export const AuditEntry = Schema.Struct({
  /** Milliseconds since the epoch. */
  time: Schema.Int,
  /** The name of the admin key. */
  who: Schema.String,
  method: Schema.String,
  /** As it was asked for, without the query. */
  path: Schema.String,
  /** What was changed: ids of credentials, groups, keys or members of settings. */
  ids: Schema.Array(Schema.String),
  /** What differed before; null where nothing was there, or nothing is told. */
  before: Schema.NullOr(Schema.Json),
  after: Schema.NullOr(Schema.Json)
})
export type AuditEntry = typeof AuditEntry.Type

/** An entry and its place, by which it is found again. */
export interface StoredEntry {
  /** Counts up from 1. */
  readonly ordinal: number
  readonly entry: AuditEntry
}

export class AuditStore extends Context.Service<
  AuditStore,
  {
    readonly add: (entry: AuditEntry) => Effect.Effect<void, StorageError>
    /** The newest first. @param before only those of a lower place, or null for all */
    readonly page: (query: {
      readonly limit: number
      readonly before: number | null
    }) => Effect.Effect<ReadonlyArray<StoredEntry>, StorageError>
  }
>()("weir/admin/AuditStore") {}
