/**
 * StorageUrl: which database an address names. Pure.
 */
import { Result } from "effect"
import { StorageUnusable } from "./StorageUnusable.ts"

/** The schemes this version opens. */
export const accepted = "sqlite:PATH (relative to the working directory, or absolute)"

/** A file of SQLite. `path` is as written in the address, relative or absolute. */
export interface SqliteUrl {
  readonly kind: "sqlite"
  readonly path: string
}

/**
 * Reads `sqlite:./data/weir.db`, `sqlite:/var/lib/weir.db` or `sqlite:///var/lib/weir.db`.
 *
 * Fails with the reason `url`, telling what is accepted and never more of the address than its scheme: it may hold a
 * password.
 */
export const parse = (url: string): Result.Result<SqliteUrl, StorageUnusable> => {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase()
  if (scheme !== "sqlite:") {
    const found = scheme === undefined ? "an address without a scheme" : `\`${scheme}\``
    return refuse(scheme ?? "storage.url", `${found} cannot be opened by this version; accepted is ${accepted}`)
  }
  const written = url.slice(scheme.length)
  const path = written.startsWith("///") ? written.slice(2) : written
  if (path.startsWith("//")) return refuse(url, `\`sqlite:\` names a file, no host; accepted is ${accepted}`)
  if (path === "" || path.endsWith("/")) return refuse(url, `the address names no file; accepted is ${accepted}`)
  if (/[?#\0]/.test(path) || path.startsWith(":")) {
    return refuse(url, `the path takes no parameters or special names; accepted is ${accepted}`)
  }
  return Result.succeed({ kind: "sqlite", path })
}

const refuse = (path: string, why: string) => Result.fail(new StorageUnusable({ path, reason: "url", why }))
