/**
 * KeyStoreSql: the hashes of client and admin keys in a SQL database.
 */
import { Clock, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { ClientKeyId } from "../message/Ids.ts"
import { KeyStore } from "../policy/KeyStore.ts"
import { Flag } from "./Columns.ts"
import { failAs, rowReader, valueWriter } from "./StorageFailure.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const insert = Effect.fnUntraced(function* (key: typeof KeyRow.Type) {
    const row = yield* writeKey(key)
    yield* sql`insert into keys ${sql.insert({ ...row, created_at: yield* Clock.currentTimeMillis })}`
  })

  const load = sql<Record<string, unknown>>`
    select id, name, role, hash, disabled from keys order by created_at, id`.pipe(
    Effect.flatMap(Effect.forEach(readKey)),
    failAs("load keys"),
    Effect.withSpan("KeyStore.load")
  )

  const add: KeyStore["Service"]["add"] = Effect.fn("KeyStore.add")(insert, failAs("add a key"))

  const resetAdmin: KeyStore["Service"]["resetAdmin"] = Effect.fn("KeyStore.resetAdmin")(
    function* (key) {
      yield* sql`delete from keys where role = ${"admin"}`
      yield* insert(key)
    },
    (effect) => sql.withTransaction(effect),
    failAs("reset the admin key")
  )

  return KeyStore.of({ load, add, resetAdmin })
})

/** Over any SQL database that the migrations have run on. */
export const layer: Layer.Layer<KeyStore, never, SqlClient.SqlClient> = Layer.effect(KeyStore, make)

const KeyRow = Schema.Struct({
  id: ClientKeyId,
  name: Schema.String,
  role: Schema.Literals(["client", "admin"]),
  hash: Schema.String,
  disabled: Flag
})

const readKey = rowReader("keys", "id", KeyRow)
const writeKey = valueWriter("keys", KeyRow)
