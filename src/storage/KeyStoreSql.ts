/**
 * KeyStoreSql: the hashes of client and admin keys in a SQL database, and what each key may do.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { ClientKeyId } from "../message/Ids.ts"
import { KeyLimits, unlimited } from "../message/KeyLimits.ts"
import { KeyStore, type StoredKey } from "../policy/KeyStore.ts"
import { Flag, Integer } from "./Columns.ts"
import { failAs, rowReader, valueWriter } from "./StorageFailure.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  const insert = Effect.fnUntraced(function* ({ created, ...key }: StoredKey) {
    yield* sql`insert into keys ${sql.insert(yield* writeKey({ ...key, created_at: created }))}`
  })

  const load = sql<Record<string, unknown>>`
    select id, name, role, hash, disabled, created_at, limits from keys order by created_at, id`.pipe(
    Effect.flatMap(Effect.forEach(readKey)),
    Effect.map((rows) =>
      rows.map(({ created_at: created, limits, ...key }) => ({ ...key, created, limits: limits ?? unlimited }))
    ),
    failAs("load keys"),
    Effect.withSpan("KeyStore.load")
  )

  const add: KeyStore["Service"]["add"] = Effect.fn("KeyStore.add")(insert, failAs("add a key"))

  const update: KeyStore["Service"]["update"] = Effect.fn("KeyStore.update")(function* (id, state) {
    yield* sql`update keys set ${sql.update(yield* writeState(state))} where id = ${id}`
  }, failAs("change a key"))

  const remove: KeyStore["Service"]["remove"] = Effect.fn("KeyStore.remove")(
    (id) => sql`delete from keys where id = ${id}`,
    Effect.asVoid,
    failAs("delete a key")
  )

  const resetAdmin: KeyStore["Service"]["resetAdmin"] = Effect.fn("KeyStore.resetAdmin")(
    function* (key) {
      yield* sql`delete from keys where role = ${"admin"}`
      yield* insert(key)
    },
    (effect) => sql.withTransaction(effect),
    failAs("reset the admin key")
  )

  return KeyStore.of({ load, add, update, remove, resetAdmin })
})

/** Over any SQL database that the migrations have run on. */
export const layer: Layer.Layer<KeyStore, never, SqlClient.SqlClient> = Layer.effect(KeyStore, make)

/** What may change. Keys that were made before there were limits have none. */
const state = {
  name: Schema.String,
  disabled: Flag,
  limits: Schema.NullOr(Schema.fromJsonString(KeyLimits))
}

const KeyRow = Schema.Struct({
  ...state,
  id: ClientKeyId,
  role: Schema.Literals(["client", "admin"]),
  hash: Schema.String,
  created_at: Integer
})

const readKey = rowReader("keys", "id", KeyRow)
const writeKey = valueWriter("keys", KeyRow)
const writeState = valueWriter("keys", Schema.Struct(state))
