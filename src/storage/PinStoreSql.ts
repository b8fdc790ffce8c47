/**
 * PinStoreSql: which credential keeps what lives at an account, in a SQL database.
 */
import { Effect, Layer, Schema, Semaphore } from "effect"
import { SqlClient } from "effect/sql"
import { mostPins, PinStore } from "../exchange/PinStore.ts"
import { CredentialId } from "../message/Ids.ts"
import { PinKind } from "../message/Pin.ts"
import { Integer } from "./Columns.ts"
import { failAs, rowReader } from "./StorageFailure.ts"

type Rows = Record<string, unknown>

const make = Effect.fnUntraced(function* (most: number) {
  const sql = yield* SqlClient.SqlClient
  const oneByOne = yield* Semaphore.make(1)
  /** Rows of each kind, so that nothing is counted but once. */
  const counts = new Map<PinKind, number>()

  const count = Effect.fnUntraced(function* (kind: PinKind) {
    const known = counts.get(kind)
    if (known !== undefined) return known
    const [row] = yield* sql<Rows>`select kind, count(*) as held from pins where kind = ${kind} group by kind`
    return row === undefined ? 0 : (yield* readCount(row)).held
  })
  const kindOf = Effect.fnUntraced(function* (id: string) {
    const [row] = yield* sql<Rows>`select id, kind from pins where id = ${id}`
    return row === undefined ? null : (yield* readKind(row)).kind
  })

  const find: PinStore["Service"]["find"] = Effect.fn("PinStore.find")(function* (id) {
    const [row] = yield* sql<Rows>`select id, credential_id from pins where id = ${id}`
    return row === undefined ? null : (yield* readPin(row)).credential_id
  }, failAs("find a pin"))

  /** What is counted in memory is only what was committed. */
  const save: PinStore["Service"]["save"] = Effect.fn("PinStore.save")(
    function* (kind, id, credentialId, now) {
      const held = yield* sql.withTransaction(
        Effect.gen(function* () {
          const before = yield* kindOf(id)
          const held = (yield* count(kind)) + (before === kind ? 0 : 1)
          yield* sql`
            insert into pins ${sql.insert({ id, kind, credential_id: credentialId, saved_at: now })}
            on conflict (id) do update set
              kind = excluded.kind, credential_id = excluded.credential_id, saved_at = excluded.saved_at`
          if (held > most) {
            yield* sql`
              delete from pins where id in (
                select id from pins where kind = ${kind} and id <> ${id} order by saved_at, id limit ${held - most})`
          }
          if (before !== null && before !== kind) counts.delete(before)
          return Math.min(held, most)
        })
      )
      counts.set(kind, held)
    },
    failAs("save a pin"),
    oneByOne.withPermit,
    Effect.uninterruptible
  )

  const remove: PinStore["Service"]["remove"] = Effect.fn("PinStore.remove")(
    function* (id) {
      const kind = yield* kindOf(id)
      if (kind === null) return
      yield* sql`delete from pins where id = ${id}`
      counts.delete(kind)
    },
    failAs("remove a pin"),
    oneByOne.withPermit,
    Effect.uninterruptible
  )

  return PinStore.of({ find, save, remove })
})

/** Over any SQL database that the migrations have run on. @param most pins of each kind that are kept */
export const layerOf = (most: number): Layer.Layer<PinStore, never, SqlClient.SqlClient> =>
  Layer.effect(PinStore, make(most))

export const layer: Layer.Layer<PinStore, never, SqlClient.SqlClient> = layerOf(mostPins)

const readPin = rowReader("pins", "id", Schema.Struct({ credential_id: CredentialId }))
const readKind = rowReader("pins", "id", Schema.Struct({ kind: PinKind }))
const readCount = rowReader("pins", "kind", Schema.Struct({ held: Integer }))
