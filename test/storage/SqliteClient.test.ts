import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { DatabaseSync } from "node:sqlite"
import * as SqliteClient from "../../src/storage/SqliteClient.ts"
import { fromSqlError } from "../../src/storage/StorageUnusable.ts"
import { tempFolder } from "./TestDatabase.ts"

const withTable = Layer.effectDiscard(
  SqlClient.SqlClient.use((sql) => sql`create table t (id integer primary key, value unique)`)
).pipe(Layer.provideMerge(SqliteClient.layerMemory))

const insert = (id: number, value: unknown = null) =>
  SqlClient.SqlClient.use((sql) => sql`insert into t ${sql.insert({ id, value })}`)

const ids = SqlClient.SqlClient.use((sql) => sql<{ readonly id: number }>`select id from t order by id`).pipe(
  Effect.map((rows) => rows.map(({ id }) => id))
)

/** The client of a file, and another program's connection to it. */
const shared = Effect.gen(function* () {
  const path = `${yield* tempFolder}/weir.db`
  const context = yield* Layer.build(Layer.fresh(SqliteClient.layer({ path })))
  const other = yield* Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(path)),
    (db) => Effect.sync(() => db.close())
  )
  return { context, other }
})

describe("SqliteClient", () => {
  it.effect.prop(
    "returns text and whole numbers as they were written",
    [Schema.String, Schema.Int],
    ([anyText, number]) =>
      Effect.gen(function* () {
        const text = anyText.toWellFormed()
        const sql = yield* SqlClient.SqlClient
        const [row] = yield* sql`select ${text} as text, ${number} as number`
        assert.deepStrictEqual({ ...row }, { text, number })
      }).pipe(Effect.provide(SqliteClient.layerMemory))
  )

  it.effect("binds null, undefined, yes and no, bytes and large integers, and refuses other values", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql`select ${null} as a, ${undefined} as b, ${true} as c, ${false} as d`
      assert.deepStrictEqual({ ...row }, { a: null, b: null, c: 1, d: 0 })
      const [bytes] = yield* sql<{ readonly v: Uint8Array }>`select ${new Uint8Array([1, 2])} as v`
      assert.deepStrictEqual([...(bytes?.v ?? [])], [1, 2])
      const large = 2n ** 62n
      const select = sql<{ readonly v: bigint }>`select ${large} as v`
      const [read] = yield* Effect.provideService(select, SqlClient.SafeIntegers, true)
      assert.strictEqual(read?.v, large)
      const error = yield* Effect.flip(sql`select ${Symbol("odd")} as v`)
      assert.match(error.message, /A symbol cannot be a parameter/)
    }).pipe(Effect.provide(SqliteClient.layerMemory))
  )

  it.effect("reads plain numbers again after a statement was run for large ones", () =>
    Effect.gen(function* () {
      yield* insert(1)
      const sql = yield* SqlClient.SqlClient
      const select = sql<{ readonly id: number }>`select id from t`
      yield* Effect.provideService(select, SqlClient.SafeIntegers, true)
      assert.deepStrictEqual(yield* select.values, [[1]])
      assert.deepStrictEqual(yield* ids, [1])
    }).pipe(Effect.provide(withTable))
  )

  it.effect("undoes a transaction that fails, dies or is interrupted", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.flip(sql.withTransaction(Effect.andThen(insert(1), Effect.fail("no"))))
      const died = yield* Effect.exit(sql.withTransaction(Effect.andThen(insert(2), Effect.die("bug"))))
      assert.isTrue(Exit.isFailure(died))
      const began = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        sql.withTransaction(Effect.andThen(insert(3), Effect.andThen(Deferred.succeed(began, undefined), Effect.never)))
      )
      yield* Deferred.await(began)
      yield* Fiber.interrupt(fiber)
      yield* sql.withTransaction(insert(4))
      assert.deepStrictEqual(yield* ids, [4])
    }).pipe(Effect.provide(withTable))
  )

  it.effect("undoes an inner transaction alone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* insert(1)
          yield* Effect.flip(sql.withTransaction(Effect.andThen(insert(2), Effect.fail("no"))))
          yield* sql.withTransaction(insert(3))
        })
      )
      assert.deepStrictEqual(yield* ids, [1, 3])
    }).pipe(Effect.provide(withTable))
  )

  it.effect("shows nothing of a transaction to other fibers before its end", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [began, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const writing = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* insert(1)
            yield* Deferred.succeed(began, undefined)
            yield* Deferred.await(go)
            yield* insert(2)
          })
        )
      )
      yield* Deferred.await(began)
      const reading = yield* Effect.forkChild(ids)
      yield* Effect.yieldNow
      yield* Deferred.succeed(go, undefined)
      assert.deepStrictEqual(yield* Fiber.join(reading), [1, 2])
      yield* Fiber.join(writing)
    }).pipe(Effect.provide(withTable))
  )

  it.effect("says what kind of failure it was, and never the values", () =>
    Effect.gen(function* () {
      yield* insert(1, "hunter2")
      const error = yield* Effect.flip(insert(2, "hunter2"))
      assert.strictEqual(error.reason._tag, "UniqueViolation")
      assert.notInclude(JSON.stringify(error), "hunter2")
    }).pipe(Effect.provide(withTable))
  )

  it.effect("streams more rows than a page holds", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`insert into t (id) with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) select i from n`
      const rows = sql<{ readonly id: number }>`select id from t order by id`.stream
      const read = yield* Stream.runCollect(Stream.map(rows, ({ id }) => id))
      assert.deepStrictEqual(
        read,
        Array.from({ length: 1000 }, (_, index) => index + 1)
      )
      assert.deepStrictEqual((yield* Stream.runCollect(Stream.take(rows, 3))).length, 3)
      yield* insert(1001)
    }).pipe(Effect.provide(withTable))
  )

  it.effect("goes on when more statements were made than it keeps", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (let round = 0; round < 2; round++) {
        for (let n = 0; n < 5; n++) {
          const [row] = yield* sql<{ readonly n: number }>`select ${sql.literal(String(n))} as n`
          assert.strictEqual(row?.n, n)
        }
      }
    }).pipe(Effect.provide(Layer.fresh(SqliteClient.layer({ path: ":memory:", statementCache: 2 }))))
  )

  it.effect("writes ahead, checks foreign keys and gives space back in steps", () =>
    Effect.gen(function* () {
      const { context } = yield* shared
      const sql = yield* Effect.provide(SqlClient.SqlClient.use(Effect.succeed), context)
      const read = (name: string) =>
        Effect.map(sql`pragma ${sql.literal(name)}`, ([row]) => Object.values(row ?? {})[0])
      assert.strictEqual(yield* read("journal_mode"), "wal")
      assert.strictEqual(yield* read("synchronous"), 1)
      assert.strictEqual(yield* read("foreign_keys"), 1)
      assert.strictEqual(yield* read("auto_vacuum"), 2)
    })
  )

  it.effect("waits without holding up the thread while another program writes", () =>
    Effect.gen(function* () {
      const { context, other } = yield* shared
      other.exec("begin immediate")
      const writing = yield* Effect.forkChild(
        Effect.provide(
          SqlClient.SqlClient.use((sql) => sql`create table t (id)`),
          context
        )
      )
      yield* TestClock.adjust("120 millis")
      assert.isUndefined(writing.pollUnsafe())
      other.exec("rollback")
      yield* TestClock.adjust("50 millis")
      yield* Fiber.join(writing)
      assert.strictEqual(other.prepare("select name from sqlite_master").all().length, 1)
    })
  )

  it.effect("says that the disk is full when no more can be written", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`pragma max_page_count = 4`
      const error = yield* Effect.flip(insert(1, "x".repeat(100_000)))
      const { message, reason } = fromSqlError("/data/weir.db")(error)
      assert.deepStrictEqual([reason, message], ["full", "Storage at /data/weir.db is unusable: the disk is full"])
    }).pipe(Effect.provide(withTable))
  )
})
