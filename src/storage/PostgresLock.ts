/**
 * PostgresLock: one process owns a database of a server, from before its first read until it ends.
 *
 * **Details**
 *
 * The lock is an advisory lock of the database, held by a connection of its own, whose name tells who holds it
 * (`application_name`). It ends with that connection. Where the connection breaks while the process lives, nothing is
 * read or written until another one holds the lock again; should a different process have owned the database in between,
 * what this one knows may be wrong, and it stays out until it is started anew. That shows in the table `meta`, where each
 * owner leaves a mark.
 *
 * **Gotchas**
 *
 * A pooler that lends connections for one transaction (PgBouncer) would lend the lock too: connect to the server itself.
 *
 * **Source:** https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
import { PgConnection } from "@effect/sql-pg"
import { Context, Data, DateTime, Deferred, Effect, Layer, Option, Queue, Schedule, type Scope } from "effect"
import { SqlError } from "effect/sql"
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { pid } from "node:process"
import { DatabaseLocked, type Owner } from "./DatabaseLock.ts"
import { fromSqlError, type StorageUnusable } from "./StorageUnusable.ts"
import type { PostgresUrl } from "./StorageUrl.ts"

export class PostgresLock extends Context.Service<
  PostgresLock,
  {
    /** Fails while this process does not own the database. */
    readonly owned: Effect.Effect<void, SqlError.SqlError>
    /** What the owner leaves under {@link ownerMark} in the table `meta`, in the first transaction. */
    readonly mark: string
  }
>()("weir/storage/PostgresLock") {
  /** Owns the database until the layer's scope ends. */
  static readonly layer = (address: PostgresUrl): Layer.Layer<PostgresLock, DatabaseLocked | StorageUnusable> =>
    Layer.effect(PostgresLock, acquire(address))
}

/** The name in `meta`. */
export const ownerMark = "owner"

/** `weir` in ASCII: the number of the lock, of which each database has its own. */
const lockNumber = 0x77_65_69_72

/** The owner before may be gone for a moment before the server notices. */
const grace = Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "2 seconds" }))

/** How often the connection is tried, and how long an answer may take. */
const pace = "1 second"
const patience = "5 seconds"

/** So that the server notices within seconds that a machine is gone, and gives the lock to the next. */
const noticing = {
  tcp_keepalives_idle: "5",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
  idle_session_timeout: "0"
}

/** Another process has owned the database in between. */
class Superseded extends Data.TaggedError("Superseded") {}

const acquire = Effect.fnUntraced(function* (
  address: PostgresUrl
): Effect.fn.Return<PostgresLock["Service"], DatabaseLocked | StorageUnusable, Scope.Scope> {
  const owner: Owner = { pid, host: hostname(), since: yield* DateTime.now }
  const mark = randomUUID()
  const first = yield* Deferred.make<void, DatabaseLocked | StorageUnusable>()
  let isOwner = false
  const own = (is: boolean) =>
    Effect.sync(() => {
      isOwner = is
    })

  /** Owns the database until the connection breaks. */
  const hold = Effect.gen(function* () {
    const connection = yield* locked(address, owner)
    const isFirst = !(yield* Deferred.isDone(first))
    if (!isFirst && (yield* lastMark(connection)) !== mark) return yield* new Superseded()
    yield* Effect.acquireRelease(own(true), () => own(false))
    yield* isFirst ? Deferred.succeed(first, undefined) : Effect.logInfo("The lock of the database is held again")
    return yield* broken(connection)
  }).pipe(
    Effect.scoped,
    Effect.mapError((error) => (error._tag === "SqlError" ? fromSqlError(address.name)(error) : error))
  )

  const keep = Effect.gen(function* () {
    for (let said = ""; ;) {
      const error = yield* Effect.flip(hold)
      if (error._tag === "Superseded") return yield* Effect.logError(superseded)
      if (yield* Deferred.fail(first, error)) return
      if (error.message !== said) yield* Effect.logError(`The lock of the database is lost: ${error.message}`)
      said = error.message
      yield* Effect.sleep(pace)
    }
  })

  yield* Effect.forkScoped(keep)
  yield* Deferred.await(first)
  return PostgresLock.of({ mark, owned: Effect.suspend(() => (isOwner ? Effect.void : notOwned)) })
})

const superseded = "Another process has owned the database since the lock was lost; nothing is served before a restart"

const notOwned = Effect.fail(
  new SqlError.SqlError({
    reason: new SqlError.ConnectionError({
      cause: new Error("the lock of the database is lost"),
      message: "the lock of the database is lost",
      operation: "acquire"
    })
  })
)

/** A connection that holds the lock. */
const locked = Effect.fnUntraced(function* (
  { name, url }: PostgresUrl,
  owner: Owner
): Effect.fn.Return<PgConnection.PgConnection, SqlError.SqlError | DatabaseLocked, Scope.Scope> {
  const opened = yield* PgConnection.make({
    url,
    keepAlive: "10 seconds",
    applicationName: nameOf(owner),
    startupParameters: noticing
  })
  const connection = yield* opened.pin
  const take = Effect.acquireRelease(
    answer(connection, `select pg_try_advisory_lock(${lockNumber}) as answer`),
    (taken) =>
      taken === true ? Effect.ignore(answer(connection, `select pg_advisory_unlock(${lockNumber})`)) : Effect.void
  )
  const isTaken = take.pipe(
    Effect.repeat({ schedule: grace, until: (taken) => taken === true }),
    Effect.map((taken) => taken === true)
  )
  if (yield* isTaken) return connection
  return yield* new DatabaseLocked({ path: name, owner: ownerOf(yield* answer(connection, holder)) })
})

/** Fails once the connection is broken: at once where the server says so, else when it no longer answers. */
const broken = Effect.fnUntraced(function* (
  connection: PgConnection.PgConnection
): Effect.fn.Return<never, SqlError.SqlError, Scope.Scope> {
  const notices = yield* connection.listen("weir_owner")
  const silent = Effect.forever(Effect.delay(answer(connection, "select 1"), pace))
  return yield* Effect.raceFirst(Effect.forever(Queue.take(notices)), silent)
})

/** The value called `answer` in the first row. */
const answer = (connection: PgConnection.PgConnection, sql: string): Effect.Effect<unknown, SqlError.SqlError> =>
  connection.query(sql).pipe(
    Effect.map(({ rows }) => rows[0]?.["answer"]),
    Effect.timeoutOrElse({ duration: patience, orElse: () => noAnswer })
  )

const noAnswer = Effect.fail(
  new SqlError.SqlError({
    reason: new SqlError.ConnectionError({ cause: new Error("no answer"), message: "no answer", operation: "query" })
  })
)

const lastMark = (connection: PgConnection.PgConnection) =>
  answer(connection, `select value as answer from meta where name = '${ownerMark}'`)

/** **Source:** https://www.postgresql.org/docs/current/view-pg-locks.html, where a `bigint` key stands in two halves. */
const holder = `
  select a.application_name as answer from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = ${lockNumber} and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())`

/** The server cuts it to 63 bytes. */
const nameOf = ({ host, pid, since }: Owner): string =>
  `weir ${pid} ${DateTime.toEpochMillis(since)} ${host}`.slice(0, 63)

const ownerOf = (name: unknown): Owner | null => {
  const [, pid, since, host] = /^weir (\d+) (\d+) (\S+)$/.exec(String(name)) ?? []
  if (pid === undefined || since === undefined || host === undefined) return null
  return Option.getOrNull(Option.map(DateTime.make(Number(since)), (since) => ({ pid: Number(pid), host, since })))
}
