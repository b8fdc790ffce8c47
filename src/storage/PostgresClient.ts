/**
 * PostgresClient: the `SqlClient` of `effect/sql` over the wire protocol of `@effect/sql-pg`.
 *
 * It gives the stores what they have of SQLite: whole numbers come back as numbers, and transactions run one after
 * another, so that what one has read holds until it ends. Statements outside of them run beside.
 *
 * **Details**
 *
 * - At most `maxConnections` connections. One that broke is replaced at the next statement, so a server that was away is
 *   found again; until then statements fail.
 * - No statement is sent while this process does not own the database.
 * - PostgreSQL's `text` takes no U+0000: it is written as U+FFFD, which is what becomes of other text that has no UTF-8.
 *
 * **Source:** https://www.postgresql.org/docs/current/protocol.html
 */
import { PgClient, type PgConnection, PgPool, PgTypes } from "@effect/sql-pg"
import { Effect, Predicate, type Redacted, Result, type Scope, Semaphore, Stream } from "effect"
import type { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError } from "effect/sql"

export interface PostgresOptions {
  readonly url: Redacted.Redacted
  /** Fails while no statement may be sent. */
  readonly owned: Effect.Effect<void, SqlError.SqlError>
}

const maxConnections = 8

/** Longer than any statement of ours takes on a server that works. */
const statementTimeout = "30s"

/** Connects at the first statement; all connections are closed with the scope. */
export const make = Effect.fnUntraced(function* ({
  owned,
  url
}: PostgresOptions): Effect.fn.Return<SqlClient.SqlClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
  const pool = yield* PgPool.make({
    url,
    types,
    maxConnections,
    applicationName: "weir",
    keepAlive: "10 seconds",
    startupParameters: { statement_timeout: statementTimeout }
  })
  const writer = yield* Semaphore.make(1)
  return yield* SqlClient.make({
    acquirer: Effect.andThen(owned, Effect.map(pool.get, connectionOf)),
    borrower: (use) =>
      Effect.andThen(
        owned,
        pool.use((connection) => use(connectionOf(connection)))
      ),
    transactionAcquirer: Semaphore.takeScoped(writer, 1).pipe(
      Effect.andThen(owned),
      Effect.andThen(Effect.map(pool.reserve, connectionOf))
    ),
    compiler: PgClient.makeCompiler(),
    driver: "@effect/sql-pg",
    spanAttributes: [["db.system.name", "postgresql"]],
    prepareTransactionControls: true,
    commit,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`
  })
})

/** A whole number that JavaScript cannot count exactly stays a `bigint`, which no column of ours accepts. */
const int8: PgTypes.Codec<bigint | number> = {
  encode: (value) => PgTypes.encode(BigInt(value), PgTypes.OID.int8),
  decode: (bytes) => {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readBigInt64BE()
    return Result.succeed(Number.isSafeInteger(Number(value)) ? Number(value) : value)
  }
}

const types = PgTypes.makeRegistry()
types.register(PgTypes.OID.int8, int8, { arrayOid: PgTypes.OID.int8Array })

const connectionOf = (connection: PgConnection.PgConnection): SqlConnection.Connection => {
  const rows = (sql: string, params: ReadonlyArray<unknown>, prepare: boolean) =>
    Effect.map(connection.query(sql, params.map(bind), prepare), (result) => result.rows)
  return {
    execute: (sql, params, transform) =>
      transform === undefined ? rows(sql, params, true) : Effect.map(rows(sql, params, true), transform),
    executeUnprepared: (sql, params, transform) =>
      transform === undefined ? rows(sql, params, false) : Effect.map(rows(sql, params, false), transform),
    executeValues: (sql, params) => connection.queryValues(sql, params.map(bind)),
    executeValuesUnprepared: (sql, params) => connection.queryValues(sql, params.map(bind), false),
    executeRaw: (sql, params) => connection.query(sql, params.map(bind)),
    executeStream: (sql, params, transform) => {
      const stream = connection.stream(sql, params.map(bind))
      return transform === undefined ? stream : Stream.map(stream, (row) => transform([row])[0])
    }
  }
}

const bind = (value: unknown): unknown => (typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : value)

/** A transaction in which something failed is rolled back by its `COMMIT`, and the server calls that a success. */
const commit = (connection: SqlConnection.Connection): Effect.Effect<void, SqlError.SqlError> =>
  Effect.flatMap(connection.executeRaw("COMMIT", []), (result) =>
    Predicate.hasProperty(result, "command") && result.command === "ROLLBACK"
      ? new SqlError.SqlError({
          reason: new SqlError.UnknownError({
            cause: new Error("the transaction had failed already"),
            message: "nothing was committed",
            operation: "commit"
          })
        })
      : Effect.void
  )
