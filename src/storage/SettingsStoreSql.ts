/**
 * SettingsStoreSql: stored settings in a SQL database.
 *
 * Values are sealed as a whole: among them are addresses of proxies with their passwords, and sealing all forgets none.
 */
import { Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { SettingsStore, type StoredSetting } from "../config/SettingsStore.ts"
import { Secrets } from "./Secrets.ts"
import { failAs, rowReader, valueWriter, ValueRefused } from "./StorageFailure.ts"

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const secrets = yield* Secrets

  const load = Effect.gen(function* () {
    const rows = yield* sql<Record<string, unknown>>`
      select section, member, value_sealed from settings order by section, member`
    return yield* Effect.forEach(
      rows,
      Effect.fnUntraced(function* (raw) {
        const { section, member, value_sealed } = yield* readRow(raw)
        const json = yield* secrets.open(value_sealed, placeOf(section, member))
        const { value } = yield* readValue({ member, value: Redacted.value(json) })
        return { section, member, value }
      })
    )
  }).pipe(failAs("load settings"), Effect.withSpan("SettingsStore.load"))

  const save: SettingsStore["Service"]["save"] = Effect.fn("SettingsStore.save")(
    function* (settings) {
      yield* Effect.forEach(
        settings,
        Effect.fnUntraced(function* ({ section, member, value }: StoredSetting) {
          if (!isJson(value)) return yield* new ValueRefused({ table: "settings" })
          const json = yield* writeValue(value)
          const value_sealed = yield* secrets.seal(Redacted.make(json), placeOf(section, member))
          yield* sql`
            insert into settings ${sql.insert({ section, member, value_sealed })}
            on conflict (section, member) do update set value_sealed = excluded.value_sealed`
        }),
        { discard: true }
      )
    },
    (effect) => sql.withTransaction(effect),
    failAs("save settings")
  )

  const remove: SettingsStore["Service"]["remove"] = Effect.fn("SettingsStore.remove")(
    (section, member) => sql`delete from settings where section = ${section} and member = ${member}`,
    Effect.asVoid,
    failAs("remove a setting")
  )

  return SettingsStore.of({ load, save, remove })
})

/** Over any SQL database that the migrations have run on. */
export const layer: Layer.Layer<SettingsStore, never, SqlClient.SqlClient | Secrets> = Layer.effect(SettingsStore, make)

const placeOf = (section: string, member: string) => ({
  table: "settings",
  column: "value_sealed",
  row: `${section}.${member}`
})

const readRow = rowReader(
  "settings",
  "member",
  Schema.Struct({ section: Schema.String, member: Schema.String, value_sealed: Schema.String })
)
const readValue = rowReader("settings", "member", Schema.Struct({ value: Schema.fromJsonString(Schema.Json) }))
const isJson = Schema.is(Schema.Json)
const writeValue = valueWriter("settings", Schema.fromJsonString(Schema.Json))
