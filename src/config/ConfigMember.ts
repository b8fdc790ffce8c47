/**
 * A member of the configuration file that may be left out: its schema, its default and its description in one place.
 *
 * The default and the description stand on the encoded side, so that the JSON Schema made from it shows both.
 */
import { Effect, Schema } from "effect"

/** A member that may be absent; `fallback` is written as the file would write it. */
export const member = <S extends Schema.Top>(schema: S, fallback: S["Encoded"], description: string) =>
  Schema.withDecodingDefaultKey<S["Rebuild"]>(Effect.succeed(fallback))(
    Schema.annotateEncoded<S>({ description, default: fallback })(schema)
  )

/** The default of a member made by {@link member}, as the file would write it. */
export const defaultOf = (field: Schema.Top): unknown => Schema.resolveAnnotations(Schema.toEncoded(field))?.["default"]
