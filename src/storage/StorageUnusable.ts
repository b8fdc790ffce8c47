/**
 * StorageUnusable: why a database cannot be served from, in words for the person who must act.
 *
 * The only errors of opening storage are this one and `DatabaseLocked`; once it is open, ports fail with `StorageError`.
 */
import { Predicate, Schema } from "effect"
import { type Migrator, SqlError } from "effect/sql"

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
  /** No server answers at the address. */
  "unreachable",
  /** The server refuses the user, the password or the database. */
  "refused",
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

/** Says what a failed SQL operation means for the whole database at `path`, a file or the name of one on a server. */
export const fromSqlError =
  (path: string) =>
  (error: SqlError.SqlError): StorageUnusable => {
    const meaning = sqliteMeaning(error) ?? postgresMeaning(error)
    const [reason, why] = meaning ?? (["io", `the database refused: ${error.message}`] as const)
    return new StorageUnusable({ path, reason, why })
  }

/** What it would mean if a server at `path` had answered with this code of PostgreSQL. */
export const unusableAs = (code: string, path: string): StorageUnusable => {
  const [reason, why] = postgresMeanings.get(code) ?? (["io", `the server refused (${code})`] as const)
  return new StorageUnusable({ path, reason, why })
}

type Meaning = readonly [UnusableReason, string]

const sqliteMeaning = ({ reason: { cause } }: SqlError.SqlError): Meaning | undefined =>
  Predicate.hasProperty(cause, "errno") && typeof cause.errno === "number" && cause.errno > 0
    ? sqliteMeanings.get(cause.errno & 0xff)
    : undefined

const postgresMeaning = ({ reason }: SqlError.SqlError): Meaning | undefined => {
  const { cause } = reason
  const code = Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined
  const known = code === undefined ? undefined : (postgresMeanings.get(code) ?? postgresMeanings.get(code.slice(0, 2)))
  if (known !== undefined) return known
  if (reason._tag === "AuthenticationError") return postgresMeanings.get("28")
  const said = cause instanceof Error ? cause.message : "unknown error"
  if (reason._tag === "ConnectionError") return ["unreachable", `the server cannot be reached (${code ?? said})`]
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? ["io", `the server refused: ${said} (${code})`] : undefined
}

/** Says what ended the making of the tables. */
export const fromOpening =
  (path: string) =>
  (error: StorageUnusable | SqlError.SqlError | Migrator.MigrationError): StorageUnusable => {
    if (error._tag === "StorageUnusable") return error
    if (error._tag === "SqlError") return fromSqlError(path)(error)
    if (SqlError.isSqlError(error.cause)) return fromSqlError(path)(error.cause)
    return new StorageUnusable({ path, reason: "io", why: error.message })
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
const sqliteMeanings = new Map<number, Meaning>([
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

const unready: Meaning = ["unreachable", "the server is starting or stopping"]

/** **Source:** https://www.postgresql.org/docs/current/errcodes-appendix.html, by code or by class. */
const postgresMeanings = new Map<string, Meaning>([
  ["28", ["refused", "the server refused the user name or the password"]],
  ["3D000", ["refused", "the server has no such database; make it first"]],
  ["42501", ["refused", "its user may not make or change tables there"]],
  ["25006", ["read_only", "the server takes no writes"]],
  ["53100", ["full", "the disk of the server is full"]],
  ["53300", ["busy", "the server takes no more connections"]],
  ["57P01", unready],
  ["57P02", unready],
  ["57P03", unready],
  ["XX001", ["corrupt", "the database is damaged; restore it from a copy"]],
  ["XX002", ["corrupt", "an index of the database is damaged; make it anew (reindex)"]]
])

const fileReasons = new Map<string, UnusableReason>([
  ["EROFS", "read_only"],
  ["EACCES", "read_only"],
  ["EPERM", "read_only"],
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EIO", "io"]
])
