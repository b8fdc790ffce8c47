/**
 * Secrets: seals what must not be readable in a copy of the database, and opens it again.
 *
 * **Details**
 *
 * AES-256-GCM with a random 96-bit nonce. The place (table, column, row) is associated data: a sealed value moved to
 * another row does not open. A sealed value reads `v1.KEYID.DATA`, where DATA is nonce, ciphertext and tag in base64url.
 *
 * **Gotchas**
 *
 * A text is sealed as UTF-8. A surrogate without its other half has none and would come back as U+FFFD: no token is made
 * of such, and JSON writes them as escapes.
 *
 * **Source:** NIST SP 800-38D; one key seals fewer than 2^32 values, which a gateway never reaches.
 */
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { KeyRing } from "./MasterKey.ts"

/** Where a sealed value stands. `row` identifies the row within the table and never changes. */
export interface Place {
  readonly table: string
  readonly column: string
  readonly row: string
}

/** A sealed value does not open: another key, another place, or changed since it was sealed. */
export class SecretUnreadable extends Schema.TaggedError<SecretUnreadable>()("SecretUnreadable", {
  table: Schema.String,
  column: Schema.String,
  row: Schema.String,
  why: Schema.Literals(["format", "unknown_key", "tampered"])
}) {
  override get message(): string {
    return `${this.table}.${this.column} of ${this.row} cannot be opened: ${this.why}`
  }
}

export class Secrets extends Context.Service<
  Secrets,
  {
    /** Seals under the current key. */
    readonly seal: (secret: Redacted.Redacted, place: Place) => Effect.Effect<string>
    readonly open: (sealed: string, place: Place) => Effect.Effect<Redacted.Redacted, SecretUnreadable>
  }
>()("weir/storage/Secrets") {
  static readonly layer = (ring: KeyRing): Layer.Layer<Secrets> => Layer.succeed(Secrets, make(ring))
}

/** The service over a ring, for those that need no layer. */
export const make = (ring: KeyRing): Secrets["Service"] =>
  Secrets.of({
    seal: (secret, place) =>
      Effect.sync(() => {
        const nonce = randomBytes(nonceBytes)
        const cipher = createCipheriv("aes-256-gcm", ring.current.secret, nonce).setAAD(associatedData(place))
        const data = Buffer.concat([
          nonce,
          cipher.update(Redacted.value(secret), "utf8"),
          cipher.final(),
          cipher.getAuthTag()
        ])
        return `${version}.${ring.current.id}.${data.toString("base64url")}`
      }),
    open: Effect.fnUntraced(function* (sealed, place) {
      const data = Buffer.from(sealed.slice(keyPrefixLength + 1), "base64url")
      if (!sealedFormat.test(sealed.slice(0, keyPrefixLength + 1)) || data.length < nonceBytes + tagBytes) {
        return yield* new SecretUnreadable({ ...place, why: "format" })
      }
      const key = ring.all.get(keyIdOf(sealed.slice(0, keyPrefixLength)))
      if (key === undefined) return yield* new SecretUnreadable({ ...place, why: "unknown_key" })
      return yield* Effect.try({
        try: () => {
          const decipher = createDecipheriv("aes-256-gcm", key.secret, data.subarray(0, nonceBytes), {
            authTagLength: tagBytes
          })
            .setAAD(associatedData(place))
            .setAuthTag(data.subarray(-tagBytes))
          const text = Buffer.concat([decipher.update(data.subarray(nonceBytes, -tagBytes)), decipher.final()])
          return Redacted.make(text.toString("utf8"))
        },
        catch: () => new SecretUnreadable({ ...place, why: "tampered" })
      })
    })
  })

/** How long the start of a sealed value is that tells its key: `v1.KEYID`. */
export const keyPrefixLength = 19

/** The key id in such a start. */
export const keyIdOf = (prefix: string): string => prefix.slice(version.length + 1)

const version = "v1"
const nonceBytes = 12
const tagBytes = 16
const sealedFormat = /^v1\.[0-9a-f]{16}\.$/

const associatedData = (place: Place): Buffer => Buffer.from(`${place.table}.${place.column}:${place.row}`)
