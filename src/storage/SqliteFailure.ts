/**
 * SqliteFailure: one mapping from what `node:sqlite` throws to `SqlError`.
 *
 * Messages of SQLite name tables and columns, never values.
 */
import { Effect, Predicate } from "effect"
import { SqlError } from "effect/sql"

/** Runs synchronous calls of `node:sqlite`; what they throw becomes a classified `SqlError`. */
export const attemptSqlite = <A>(operation: string, run: () => A): Effect.Effect<A, SqlError.SqlError> =>
  Effect.try({ try: run, catch: toSqlError(operation) })

const toSqlError =
  (operation: string) =>
  (error: unknown): SqlError.SqlError => {
    // `node:sqlite` calls the result code `errcode`; the classifier reads `errno`.
    const cause =
      error instanceof Error && Predicate.hasProperty(error, "errcode")
        ? Object.assign(error, { errno: error.errcode })
        : error
    const message = error instanceof Error ? error.message : undefined
    return new SqlError.SqlError({ reason: SqlError.classifySqliteError(cause, { message, operation }) })
  }
