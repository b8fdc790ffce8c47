/**
 * Columns: how values stand in a table, the same in SQLite and PostgreSQL.
 */
import { Schema, SchemaTransformation } from "effect"

/** A `bigint` column within JavaScript's safe integers. PostgreSQL returns a sum of such as text. */
export const Integer = Schema.Union([Schema.Int, Schema.String]).pipe(
  Schema.decodeTo(
    Schema.Int,
    SchemaTransformation.transform<number, number | string>({
      decode: (column) => Number(column),
      encode: (int) => int
    })
  )
)

/** A time as milliseconds since 1970 in a `bigint` column. */
export const Instant = Integer.pipe(Schema.decodeTo(Schema.DateTimeUtcFromMillis))

/** Yes or no as 1 or 0 in a `bigint` column. */
export const Flag = Integer.pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform<boolean, number>({
      decode: (column) => column !== 0,
      encode: (flag) => (flag ? 1 : 0)
    })
  )
)
