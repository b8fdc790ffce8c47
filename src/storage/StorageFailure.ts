/**
 * StorageFailure: what the stores fail with inside, and how it leaves them as the ports' `StorageError`.
 */
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { StorageError } from "../message/StorageError.ts"
import type { SecretUnreadable } from "./Secrets.ts"

/** A row is not as this version writes it. Names the row, holds none of its values. */
export class RowUnreadable extends Schema.TaggedError<RowUnreadable>()("RowUnreadable", {
  table: Schema.String,
  row: Schema.String
}) {
  override get message(): string {
    return `Row ${this.row} of ${this.table} does not have the shape that this version writes`
  }
}

/** A value to be written does not fit its column. Holds no values. */
export class ValueRefused extends Schema.TaggedError<ValueRefused>()("ValueRefused", {
  table: Schema.String
}) {
  override get message(): string {
    return `A value does not fit its column of ${this.table}`
  }
}

/** Names the operation that failed. */
export const failAs =
  (operation: string) =>
  <A, R>(
    effect: Effect.Effect<A, SqlError.SqlError | SecretUnreadable | RowUnreadable | ValueRefused | StorageError, R>
  ): Effect.Effect<A, StorageError, R> =>
    Effect.mapError(effect, (cause) => (cause._tag === "StorageError" ? cause : new StorageError({ operation, cause })))

/** Makes the decoder of a table's rows; `key` is the column that names a row in an error. */
export const rowReader = <A, E>(table: string, key: string, schema: Schema.ConstraintCodec<A, E>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (row: Readonly<Record<string, unknown>>): Effect.Effect<A, RowUnreadable> =>
    Effect.mapError(decode(row), () => new RowUnreadable({ table, row: String(row[key]) }))
}

/** Makes the encoder of values for a table. */
export const valueWriter = <A, E>(table: string, schema: Schema.ConstraintCodec<A, E>) => {
  const encode = Schema.encodeEffect(schema)
  return (value: A): Effect.Effect<E, ValueRefused> => Effect.mapError(encode(value), () => new ValueRefused({ table }))
}
