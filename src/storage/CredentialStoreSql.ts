/**
 * CredentialStoreSql: credentials and their health in a SQL database, secrets sealed.
 *
 * A change to a credential that is not there (removed while it was being refreshed) does nothing.
 */
import { Clock, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { CredentialStore, untouched } from "../credential/CredentialStore.ts"
import { CredentialId } from "../message/Ids.ts"
import { Instant, Integer } from "./Columns.ts"
import { ChangeColumns, CredentialRow, fromRow, HealthColumn, placeOf, toRow } from "./CredentialRow.ts"
import { Durability } from "./Durability.ts"
import { Secrets } from "./Secrets.ts"
import { failAs, rowReader, valueWriter } from "./StorageFailure.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const secrets = yield* Secrets
  const durability = yield* Durability

  const load = Effect.gen(function* () {
    const rows = yield* sql<Record<string, unknown>>`
      select c.*, h.health from credentials c join credential_health h on h.credential_id = c.id
      order by c.priority, c.ordinal`
    return yield* Effect.forEach(rows, (row) =>
      Effect.all({
        credential: Effect.flatMap(readCredential(row), (read) => fromRow(secrets, read)),
        health: Effect.map(readHealth(row), ({ health }) => health)
      })
    )
  }).pipe(failAs("load credentials"), Effect.withSpan("CredentialStore.load"))

  const everHeldOne = sql`select 1 from meta where name = ${everHeld}`.pipe(
    Effect.map((rows) => rows.length > 0),
    failAs("read whether a credential was ever held")
  )

  const find: CredentialStore["Service"]["find"] = Effect.fn("CredentialStore.find")(function* (fingerprint) {
    const [known] = yield* sql<Record<string, unknown>>`select id from credentials where fingerprint = ${fingerprint}`
    return known === undefined ? null : (yield* readId(known)).id
  }, failAs("find a credential"))

  const wasRemoved: CredentialStore["Service"]["wasRemoved"] = (fingerprint) =>
    sql`select 1 from deleted_credentials where fingerprint = ${fingerprint}`.pipe(
      Effect.map((rows) => rows.length > 0),
      failAs("read whether a credential was removed")
    )

  const add: CredentialStore["Service"]["add"] = Effect.fn("CredentialStore.add")(
    function* ({ credential, fingerprint }) {
      const known = yield* find(fingerprint)
      if (known !== null) return { status: "duplicate" as const, id: known }
      const [last] = yield* sql<Record<string, unknown>>`select coalesce(max(ordinal), 0) as ordinal from credentials`
      const ordinal = last === undefined ? 0 : (yield* readOrdinal(last)).ordinal
      const row = yield* writeCredential(yield* toRow(secrets, credential))
      const created_at = yield* Clock.currentTimeMillis
      yield* sql`insert into credentials ${sql.insert({ ...row, fingerprint, ordinal: ordinal + 1, created_at })}`
      const health = yield* writeHealth(untouched)
      yield* sql`insert into credential_health ${sql.insert({ credential_id: credential.id, health })}`
      yield* sql`insert into meta (name, value) values (${everHeld}, ${"1"}) on conflict (name) do nothing`
      yield* sql`delete from deleted_credentials where fingerprint = ${fingerprint}`
      return { status: "added" as const, id: credential.id }
    },
    (effect) => sql.withTransaction(effect),
    Effect.tap(() => durability.flush),
    failAs("add a credential")
  )

  const saveTokens: CredentialStore["Service"]["saveTokens"] = Effect.fn("CredentialStore.saveTokens")(function* (
    id,
    tokens
  ) {
    const access = yield* secrets.seal(tokens.accessToken, placeOf(id, "access_token_sealed"))
    const refresh =
      tokens.refreshToken === null
        ? null
        : yield* secrets.seal(tokens.refreshToken, placeOf(id, "refresh_token_sealed"))
    const expiresAt = yield* writeInstant(tokens.expiresAt)
    yield* sql`
        update credentials set
          access_token_sealed = ${access},
          expires_at = ${expiresAt},
          refresh_token_sealed = coalesce(${refresh}, refresh_token_sealed),
          profile_arn = coalesce(${tokens.profileArn}, profile_arn),
          token_endpoint = coalesce(${tokens.tokenEndpoint}, token_endpoint)
        where id = ${id}`
    yield* durability.flush
  }, failAs("save tokens"))

  const saveHealth: CredentialStore["Service"]["saveHealth"] = Effect.fn("CredentialStore.saveHealth")(function* (
    id,
    health
  ) {
    yield* sql`update credential_health set health = ${yield* writeHealth(health)} where credential_id = ${id}`
  }, failAs("save health"))

  const update: CredentialStore["Service"]["update"] = Effect.fn("CredentialStore.update")(function* (
    id,
    { apiRegion, group, profileArn, ...same }
  ) {
    const columns = yield* writeChange({
      ...same,
      ...(group === undefined ? {} : { group_id: group }),
      ...(profileArn === undefined ? {} : { profile_arn: profileArn }),
      ...(apiRegion === undefined ? {} : { api_region: apiRegion })
    })
    if (Object.keys(columns).length === 0) return
    yield* sql`update credentials set ${sql.update({ ...columns })} where id = ${id}`
  }, failAs("change a credential"))

  const remove: CredentialStore["Service"]["remove"] = Effect.fn("CredentialStore.remove")(
    function* (id) {
      const [removed] = yield* sql<Record<string, unknown>>`
        delete from credentials where id = ${id} returning fingerprint`
      if (removed === undefined) return
      const { fingerprint } = yield* readFingerprint(removed)
      const [last] = yield* sql<Record<string, unknown>>`
        select coalesce(max(ordinal), 0) as ordinal from deleted_credentials`
      const ordinal = last === undefined ? 1 : (yield* readOrdinal(last)).ordinal + 1
      yield* sql`
        insert into deleted_credentials (fingerprint, ordinal) values (${fingerprint}, ${ordinal})
        on conflict (fingerprint) do nothing`
      yield* sql`delete from deleted_credentials where ordinal <= ${ordinal - remembered}`
    },
    (effect) => sql.withTransaction(effect),
    Effect.tap(() => durability.flush),
    failAs("remove a credential")
  )

  return CredentialStore.of({ load, everHeldOne, find, wasRemoved, add, saveTokens, saveHealth, update, remove })
})

/** Over any SQL database that the migrations have run on. */
export const layer: Layer.Layer<CredentialStore, never, SqlClient.SqlClient | Secrets | Durability> = Layer.effect(
  CredentialStore,
  make
)

/** The row of `meta` that outlives the last credential. */
const everHeld = "credential_ever_held"

/** Removals that are remembered. */
const remembered = 100_000

const readFingerprint = rowReader("credentials", "fingerprint", Schema.Struct({ fingerprint: Schema.String }))
const readId = rowReader("credentials", "id", Schema.Struct({ id: CredentialId }))
const readOrdinal = rowReader("credentials", "ordinal", Schema.Struct({ ordinal: Integer }))
const readCredential = rowReader("credentials", "id", CredentialRow)
const writeCredential = valueWriter("credentials", CredentialRow)
const readHealth = rowReader("credential_health", "id", Schema.Struct({ health: HealthColumn }))
const writeHealth = valueWriter("credential_health", HealthColumn)
const writeInstant = valueWriter("credentials", Instant)
const writeChange = valueWriter("credentials", ChangeColumns)
