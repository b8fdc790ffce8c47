/**
 * PinStoreSql: which credential keeps what lives at an account, in a SQL database.
 */
import { Array as Arr, Effect, Layer, Schema, Semaphore } from "effect"
import { SqlClient } from "effect/sql"
import { mostPins, PinStore } from "../exchange/PinStore.ts"
import { CredentialId } from "../message/Ids.ts"
import type { PinKind } from "../message/Pin.ts"
import { Integer } from "./Columns.ts"
import { failAs, rowReader } from "./StorageFailure.ts"

type Rows = Record<string, unknown>

/** Rows of one statement, whose parameters are bounded. */
const rowsAtOnce = 500

const make = Effect.fnUntraced(function* (most: number) {
  const sql = yield* SqlClient.SqlClient
  const oneByOne = yield* Semaphore.make(1)
  let last = 0
  /** At least as many as there are rows of each kind, so that they are not counted each time. */
  const counts = new Map<PinKind, number>()

  const count = Effect.fnUntraced(function* (kind: PinKind) {
    const [row] = yield* sql<Rows>`select kind, count(*) as held from pins where kind = ${kind} group by kind`
    return row === undefined ? 0 : (yield* readCount(row)).held
  })

  /** Forgets the oldest of a kind, of which some were saved; tells how many there are at most. */
  const bound = Effect.fnUntraced(function* (kind: PinKind, saved: number) {
    const before = counts.get(kind)
    const atMost = before === undefined ? yield* count(kind) : before + saved
    if (atMost <= most) return atMost
    const held = yield* count(kind)
    if (held > most) {
      yield* sql`
        delete from pins where id in (
          select id from pins where kind = ${kind} order by saved_at, id limit ${held - most})`
    }
    return Math.min(held, most)
  })

  const find: PinStore["Service"]["find"] = Effect.fn("PinStore.find")(function* (id) {
    const [row] = yield* sql<Rows>`select id, credential_id from pins where id = ${id}`
    return row === undefined ? null : (yield* readPin(row)).credential_id
  }, failAs("find a pin"))

  /** What is counted in memory is only what was committed. */
  const save: PinStore["Service"]["save"] = Effect.fn("PinStore.save")(
    function* (made, credentialId, now) {
      // Of one moment the later save is the newer.
      last = Math.max(now, last + 1)
      const saved_at = last
      const kindOf = new Map(made.map(({ id, kind }) => [id, kind]))
      const rows = [...kindOf].map(([id, kind]) => ({ id, kind, credential_id: credentialId, saved_at }))
      const bounded = yield* sql.withTransaction(
        Effect.gen(function* () {
          for (const some of Arr.chunksOf(rows, rowsAtOnce)) {
            yield* sql`
              insert into pins ${sql.insert(some)}
              on conflict (id) do update set
                kind = excluded.kind, credential_id = excluded.credential_id, saved_at = excluded.saved_at`
          }
          return yield* Effect.forEach([...new Set(kindOf.values())], (kind) =>
            Effect.map(bound(kind, rows.filter((row) => row.kind === kind).length), (atMost) => [kind, atMost] as const)
          )
        })
      )
      for (const [kind, atMost] of bounded) counts.set(kind, atMost)
    },
    failAs("save pins"),
    oneByOne.withPermit,
    Effect.uninterruptible
  )

  const remove: PinStore["Service"]["remove"] = Effect.fn("PinStore.remove")(function* (id) {
    yield* sql`delete from pins where id = ${id}`
  }, failAs("remove a pin"))

  return PinStore.of({ find, save, remove })
})

/** Over any SQL database that the migrations have run on. @param most pins of each kind that are kept */
export const layerOf = (most: number): Layer.Layer<PinStore, never, SqlClient.SqlClient> =>
  Layer.effect(PinStore, make(most))

export const layer: Layer.Layer<PinStore, never, SqlClient.SqlClient> = layerOf(mostPins)

const readPin = rowReader("pins", "id", Schema.Struct({ credential_id: CredentialId }))
const readCount = rowReader("pins", "kind", Schema.Struct({ held: Integer }))
