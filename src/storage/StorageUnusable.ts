/**
 * StorageUnusable: why a database cannot be served from, in words for the person who must act.
 *
 * The only errors of opening storage are this one and `DatabaseLocked`; once it is open, ports fail with `StorageError`.
 */
import { Predicate, Schema } from "effect"
import type { SqlError } from "effect/sql"

/** What is wrong, for programs. */
export const UnusableReason = Schema.Literals([
  /** The address is not one this version opens. */
  "url",
  /** The folder is missing and cannot be made, or the file cannot be opened in it. */
  "directory",
  /** The file, its folder or its disk takes no writes. */
  "read_only",
  /** The disk is full. */
  "full",
  /** The file is damaged or is no database. */
  "corrupt",
  /** A newer version of the program wrote it. */
  "newer",
  /** Another program holds it open for writing. */
  "busy",
  /** The master key is missing, malformed, or not the one the secrets were sealed under. */
  "master_key",
  /** Anything else that the disk or the database refused. */
  "io"
])
export type UnusableReason = typeof UnusableReason.Type

/** Storage cannot be opened; nothing was written to it. */
export class StorageUnusable extends Schema.TaggedError<StorageUnusable>()("StorageUnusable", {
  path: Schema.String,
  reason: UnusableReason,
  /** One sentence without a full stop; holds no secret. */
  why: Schema.String
}) {
  override get message(): string {
    return `Storage at ${this.path} is unusable: ${this.why}`
  }
}

/** Says what a failed SQL operation means for the whole database at `path`. */
export const fromSqlError =
  (path: string) =>
  (error: SqlError.SqlError): StorageUnusable => {
    const cause = error.reason.cause
    const errno =
      Predicate.hasProperty(cause, "errno") && typeof cause.errno === "number" ? cause.errno & 0xff : undefined
    const [reason, why] =
      (errno === undefined ? undefined : sqliteMeanings.get(errno)) ??
      (["io", `the database refused: ${error.message}`] as const)
    return new StorageUnusable({ path, reason, why })
  }

/** Says what a failed file operation on `path` means. */
export const fromFileError =
  (path: string, doing: string) =>
  (cause: unknown): StorageUnusable => {
    const code = Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : "unknown error"
    const reason = fileReasons.get(code) ?? "directory"
    return new StorageUnusable({ path, reason, why: `could not ${doing} (${code})` })
  }

/** **Source:** SQLite result codes, https://sqlite.org/rescode.html, by primary code. */
const sqliteMeanings = new Map<number, readonly [UnusableReason, string]>([
  [3, ["read_only", "this process has no permission for the database file"]],
  [5, ["busy", "another program holds the database for writing"]],
  [6, ["busy", "another program holds the database for writing"]],
  [8, ["read_only", "the database file or its disk is read-only"]],
  [10, ["io", "the disk reported an input/output error"]],
  [11, ["corrupt", "the database file is damaged; restore it from a copy"]],
  [13, ["full", "the disk is full"]],
  [14, ["directory", "the database file cannot be opened or made in its folder"]],
  [26, ["corrupt", "the file is not a database"]]
])

const fileReasons = new Map<string, UnusableReason>([
  ["EROFS", "read_only"],
  ["EACCES", "read_only"],
  ["EPERM", "read_only"],
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EIO", "io"]
])
