/**
 * Secret: a string of the configuration that is never shown. It decodes to `Redacted` and encodes to `<redacted>`, so
 * that a configuration made printable holds no secret by construction.
 */
import { Redacted, Schema, SchemaTransformation } from "effect"

/** What stands in the place of a secret. */
export const masked = "<redacted>"

const hide = SchemaTransformation.transform({
  decode: (text: string): Redacted.Redacted => Redacted.make(text),
  encode: () => masked
})

/** Any text, hidden. */
export const Secret = Schema.String.pipe(Schema.decodeTo(Schema.Redacted(Schema.String), hide))

/** A key as clients send it in a header: printable ASCII without spaces, hidden. */
export const SecretKey = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7e]{1,512}$/u, {
    expected: "a key of 1 to 512 printable ASCII characters without spaces"
  })
).pipe(Schema.decodeTo(Schema.Redacted(Schema.String), hide))

/** The value of an HTTP header, hidden: headers carry tokens. */
export const SecretHeader = Schema.String.check(
  Schema.isPattern(/^[\x20-\x7e]{0,8192}$/u, { expected: "at most 8192 printable ASCII characters" })
).pipe(Schema.decodeTo(Schema.Redacted(Schema.String), hide))
