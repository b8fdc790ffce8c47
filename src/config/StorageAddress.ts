/**
 * StorageAddress: the address of the database. It may hold a password, so it is hidden; made printable, it shows all
 * but that.
 */
import { Redacted, Schema, SchemaTransformation } from "effect"
import { masked } from "./Secret.ts"

const expected = `"sqlite:PATH" or "postgres://…"`

/** `sqlite:PATH`, `postgres://…` or `postgresql://…`; encodes with the password masked. */
export const StorageAddress = Schema.String.check(
  Schema.isPattern(/^(?:sqlite:.+|postgres(?:ql)?:\/\/.+)$/u, { expected })
).pipe(
  Schema.decodeTo(
    Schema.Redacted(Schema.String),
    SchemaTransformation.transform({
      decode: (text: string): Redacted.Redacted => Redacted.make(text),
      encode: (address: Redacted.Redacted) => withoutPassword(Redacted.value(address))
    })
  )
)

/** The path of an SQLite address, or null for another database. */
export const sqlitePath = (address: Redacted.Redacted): string | null => {
  const text = Redacted.value(address)
  return text.startsWith("sqlite:") ? text.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "") : null
}

/** Passwords stand in the user info and in the query; the rest tells an operator which database it is. */
const withoutPassword = (text: string): string => {
  if (text.startsWith("sqlite:")) return text
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null) return `postgres://${masked}`
  const user = url.username === "" ? "" : `${url.username}${url.password === "" ? "" : `:${masked}`}@`
  return `${url.protocol}//${user}${url.host}${url.pathname}`
}
