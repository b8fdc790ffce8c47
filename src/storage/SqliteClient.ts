/**
 * SqliteClient: the `SqlClient` of `effect/sql` over Node's built-in `node:sqlite`.
 *
 * It exists because no SQLite package for Effect 4.1 can be installed: the published ones were made for its betas and
 * import modules that are gone. It needs no native add-on.
 *
 * **Details**
 *
 * - A client is one connection, lent through a semaphore: its statements and transactions run one after another, and a
 *   transaction sees nothing of others. Transactions begin `IMMEDIATE`. The ledger's thread has a client of its own.
 * - WAL with `synchronous=NORMAL`: a commit has reached the operating system when it returns and survives the death of
 *   the process; `Durability` brings it to the disk.
 * - Statements run on the caller's thread. Should another connection hold the file, the thread waits at most
 *   `blockingWait`; then the fiber alone waits, up to `busyTimeout`, and fails with a `LockTimeoutError`.
 * - At most `statementCache` prepared statements are kept; the one unused longest is dropped.
 *
 * **Gotchas**
 *
 * Inside a transaction `BEGIN` holds the only connection: a fiber outside of it waits until the end.
 */
import { Effect, Layer, Option, Schedule, type Scope, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, type SqlError, Statement } from "effect/sql"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { attemptSqlite } from "./SqliteFailure.ts"

export interface SqliteOptions {
  /** Absolute path of the file, or `:memory:`. The folder must exist. */
  readonly path: string
  /**
   * How many prepared statements are kept.
   * @default 128
   */
  readonly statementCache?: number
}

/** Milliseconds for which a statement may hold up the thread while another connection has the file. */
const blockingWait = 1

/** Past the blocking wait: every 10 ms, for 5 s. */
const busyTimeout = Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "5 seconds" }))

/** Bytes to which the write-ahead log is cut after a checkpoint. */
const journalSizeLimit = 64 * 1024 * 1024

/** Rows fetched at a time by a stream. */
const streamPage = 256

/** Opens the file and closes it with the scope, its write-ahead log then folded in. */
export const make = Effect.fnUntraced(function* (
  options: SqliteOptions
): Effect.fn.Return<SqlClient.SqlClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
  const db = yield* Effect.acquireRelease(open(options.path), close)
  yield* configure(db)
  const connection = makeConnection(db, options.statementCache ?? 128)
  const semaphore = yield* Semaphore.make(1)
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore,
      isTransaction: () => db.isTransaction
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node:sqlite",
    spanAttributes: [["db.system.name", "sqlite"]],
    beginTransaction: "BEGIN IMMEDIATE",
    prepareTransactionControls: true,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`
  })
})

/** The client of one file. */
export const layer = (options: SqliteOptions): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

/** A database that lives as long as its layer; for tests. */
export const layerMemory: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> = Layer.fresh(layer({ path: ":memory:" }))

const open = (path: string): Effect.Effect<DatabaseSync, SqlError.SqlError> =>
  attempt("open", () => new DatabaseSync(path, { timeout: blockingWait, enableForeignKeyConstraints: true }))

const configure = (db: DatabaseSync): Effect.Effect<void, SqlError.SqlError> =>
  attempt("configure", () => {
    // Space is given back in steps only if the file is told so before its first table. Told again, SQLite would write the
    // file's header, and who opens a database that cannot be served must leave it as it is.
    if (db.prepare("PRAGMA page_count").get()?.["page_count"] === 0) db.exec("PRAGMA auto_vacuum = INCREMENTAL")
    db.exec("PRAGMA journal_mode = WAL")
    db.exec("PRAGMA synchronous = NORMAL")
    db.exec(`PRAGMA journal_size_limit = ${journalSizeLimit}`)
  })

/** A failing checkpoint loses nothing: the next opening reads the log. */
const close = (db: DatabaseSync): Effect.Effect<void> =>
  attempt("checkpoint", () => db.exec("PRAGMA wal_checkpoint(TRUNCATE)")).pipe(
    Effect.catch((error) => Effect.logDebug("The write-ahead log stays for the next start", error.message)),
    Effect.andThen(attempt("close", () => db.close())),
    Effect.catch((error) => Effect.logWarning("The database did not close cleanly", error.message))
  )

const makeConnection = (db: DatabaseSync, capacity: number): SqlConnection.Connection => {
  const cache = new Map<string, StatementSync>()

  const prepared = (sql: string): StatementSync => {
    const known = cache.get(sql)
    const statement = known ?? db.prepare(sql)
    if (known !== undefined) cache.delete(sql)
    cache.set(sql, statement)
    if (cache.size > capacity) {
      for (const oldest of cache.keys()) {
        cache.delete(oldest)
        break
      }
    }
    return statement
  }

  const rows = (prepare: (sql: string) => StatementSync, sql: string, params: ReadonlyArray<unknown>) =>
    Effect.withFiber((fiber) =>
      attempt("execute", () => {
        const statement = prepare(sql)
        statement.setReadBigInts(fiber.getRef(SqlClient.SafeIntegers))
        statement.setReturnArrays(false)
        return statement.all(...params.map(bind))
      })
    )

  const values = (prepare: (sql: string) => StatementSync, sql: string, params: ReadonlyArray<unknown>) =>
    attempt("execute", () => {
      const statement = prepare(sql)
      statement.setReadBigInts(false)
      statement.setReturnArrays(true)
      return statement.all(...params.map(bind)).map((row) => Object.values(row))
    })

  const unprepared = (sql: string) => db.prepare(sql)

  return {
    execute: (sql, params, transform) =>
      transform === undefined ? rows(prepared, sql, params) : Effect.map(rows(prepared, sql, params), transform),
    executeUnprepared: (sql, params, transform) =>
      transform === undefined ? rows(unprepared, sql, params) : Effect.map(rows(unprepared, sql, params), transform),
    executeValues: (sql, params) => values(prepared, sql, params),
    executeValuesUnprepared: (sql, params) => values(unprepared, sql, params),
    executeRaw: (sql, params) =>
      attempt("execute", () => {
        const statement = prepared(sql)
        statement.setReadBigInts(false)
        statement.setReturnArrays(false)
        const bound = params.map(bind)
        return statement.columns().length > 0 ? statement.all(...bound) : statement.run(...bound)
      }),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(
        Effect.map(
          attempt("execute", () => db.prepare(sql).iterate(...params.map(bind))),
          (iterator) =>
            Stream.paginate(undefined, () =>
              attempt("fetch", () => {
                const page: Array<object> = []
                while (page.length < streamPage) {
                  const next = iterator.next()
                  if (next.done === true) return [transform?.(page) ?? page, Option.none<undefined>()] as const
                  page.push(next.value)
                }
                return [transform?.(page) ?? page, Option.some(undefined)] as const
              })
            ).pipe(Stream.ensuring(Effect.sync(() => iterator.return?.())))
        )
      )
  }
}

const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, SqlError.SqlError> =>
  Effect.retry(attemptSqlite(operation, run), {
    while: (error) => error.reason._tag === "LockTimeoutError",
    schedule: busyTimeout
  })

const bind = (value: unknown): SQLInputValue => {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return value ? 1 : 0
    case "undefined":
      return null
  }
  if (value === null || value instanceof Uint8Array) return value
  throw new TypeError(`A ${typeof value} cannot be a parameter of a statement`)
}
