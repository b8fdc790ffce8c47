/**
 * StorageUrl: which database an address names. Pure.
 */
import { Redacted, Result } from "effect"
import { StorageUnusable } from "./StorageUnusable.ts"

/** The schemes this version opens. */
export const accepted =
  "sqlite:PATH (relative to the working directory, or absolute) or postgres://USER:PASSWORD@HOST:PORT/DATABASE"

/** A file of SQLite. `path` is as written in the address, relative or absolute. */
export interface SqliteUrl {
  readonly kind: "sqlite"
  readonly path: string
}

/** A database of a PostgreSQL server. */
export interface PostgresUrl {
  readonly kind: "postgres"
  readonly url: Redacted.Redacted
  /** The address without user, password and parameters: what messages call it. */
  readonly name: string
}

export type StorageUrl = SqliteUrl | PostgresUrl

/**
 * Reads `sqlite:./data/weir.db`, `sqlite:/var/lib/weir.db`, `sqlite:///var/lib/weir.db` or
 * `postgres://user:password@host/db?sslmode=require`.
 *
 * Fails with the reason `url`, telling what is accepted and never more of the address than its scheme: it may hold a
 * password.
 */
export const parse = (url: string): Result.Result<StorageUrl, StorageUnusable> => {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase()
  if (scheme === "sqlite:") return parseSqlite(url, url.slice(scheme.length))
  if (scheme === "postgres:" || scheme === "postgresql:") return parsePostgres(scheme, url)
  const found = scheme === undefined ? "an address without a scheme" : `\`${scheme}\``
  return refuse(scheme ?? "storage.url", `${found} cannot be opened by this version; accepted is ${accepted}`)
}

const parseSqlite = (url: string, written: string): Result.Result<SqliteUrl, StorageUnusable> => {
  const path = written.startsWith("///") ? written.slice(2) : written
  if (path.startsWith("//")) return refuse(url, `\`sqlite:\` names a file, no host; accepted is ${accepted}`)
  if (path === "" || path.endsWith("/")) return refuse(url, `the address names no file; accepted is ${accepted}`)
  if (/[?#\0]/.test(path) || path.startsWith(":")) {
    return refuse(url, `the path takes no parameters or special names; accepted is ${accepted}`)
  }
  return Result.succeed({ kind: "sqlite", path })
}

const parsePostgres = (scheme: string, text: string): Result.Result<PostgresUrl, StorageUnusable> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !isEscapedRight(url)) {
    const why = "the address cannot be read; special characters in user and password are written as %XX"
    return refuse(scheme, `${why}; accepted is ${accepted}`)
  }
  if (url.username === "") return refuse(scheme, `the address names no user; accepted is ${accepted}`)
  if (!/^\/[^/]+$/.test(url.pathname)) return refuse(scheme, `the address names no database; accepted is ${accepted}`)
  const host = url.searchParams.get("host") ?? url.host
  return Result.succeed({ kind: "postgres", url: Redacted.make(text), name: `postgres://${host}${url.pathname}` })
}

const isEscapedRight = ({ hostname, password, pathname, username }: URL): boolean =>
  Result.isSuccess(Result.try(() => [hostname, password, pathname, username].map(decodeURIComponent)))

const refuse = (path: string, why: string) => Result.fail(new StorageUnusable({ path, reason: "url", why }))
