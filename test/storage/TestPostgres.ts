/**
 * TestPostgres: databases of the tests' PostgreSQL server that go away with the test.
 */
import { PgConnection } from "@effect/sql-pg"
import { Effect, Layer, Logger, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { randomBytes } from "node:crypto"
import { describe, inject } from "vitest"
import { Durability } from "../../src/storage/Durability.ts"
import * as Migrations from "../../src/storage/Migrations.ts"
import * as PostgresClient from "../../src/storage/PostgresClient.ts"
import { Secrets } from "../../src/storage/Secrets.ts"
import * as Storage from "../../src/storage/Storage.ts"
import { environment, memory, newRing } from "./TestDatabase.ts"

/** Null where PostgreSQL is not installed. */
export const server = inject("postgres")

/** Tests that need a server; without one they are skipped, each by its name. */
export const describePostgres = server === null ? describe.skip : describe

/** The server's superuser in a database. */
export const addressOf = (database: string): string => `${server}${database}`

/** What no output may hold. */
export const password = server === null ? "" : new URL(server).password

/** Runs statements as the superuser; the rows of the last one. */
export const ask = (url: string, ...statements: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const connection = yield* PgConnection.make({ url: Redacted.make(url), applicationName: "test" })
    let rows: ReadonlyArray<PgConnection.Row> = []
    for (const statement of statements) rows = (yield* connection.query(statement)).rows
    return rows
  }).pipe(Effect.scoped, Effect.orDie)

/** The address of an empty database. */
export const emptyDatabase = Effect.acquireRelease(
  Effect.suspend(() => {
    const name = `test_${randomBytes(6).toString("hex")}`
    return Effect.as(ask(addressOf("postgres"), `create database ${name}`), addressOf(name))
  }),
  (url) => ask(addressOf("postgres"), `drop database ${nameOf(url)} with (force)`)
)

/** The database's name in its address. */
export const nameOf = (url: string): string => new URL(url).pathname.slice(1)

/** The address of an empty schema, which is had much sooner than a database. */
const emptySchema = Effect.acquireRelease(
  Effect.suspend(() => {
    const name = `test_${randomBytes(6).toString("hex")}`
    const options = encodeURIComponent(`-c search_path=${name}`)
    return Effect.as(ask(addressOf("postgres"), `create schema ${name}`), { name, options })
  }),
  ({ name }) => ask(addressOf("postgres"), `drop schema ${name} cascade`)
).pipe(Effect.map(({ options }) => `${addressOf("postgres")}?options=${options}`))

/** The client of an empty schema. */
export const layerClient = Layer.effect(
  SqlClient.SqlClient,
  Effect.flatMap(emptySchema, (url) => PostgresClient.make({ url: Redacted.make(url), owned: Effect.void }))
).pipe(Layer.provide(Reactivity.layer), Layer.fresh)

/** The migrated tables, empty. */
export const postgres: typeof memory = Layer.mergeAll(
  Layer.effectDiscard(Migrations.run("postgres")),
  Layer.unwrap(Effect.map(newRing, Secrets.layer)),
  Durability.layerEachCommit
).pipe(Layer.provideMerge(layerClient))

/** The same tests on SQLite and on PostgreSQL. */
export const onBoth = (cases: (database: typeof memory) => void): void => {
  describe("on SQLite", () => {
    cases(memory)
  })
  describePostgres("on PostgreSQL", () => {
    cases(postgres)
  })
}

/** Storage at an address, with its journal in a folder, an environment of nothing but `env`, and its lines as `said`. */
export const storageAt = (
  url: string,
  folder: string,
  env: Record<string, string> = {},
  said: (line: string) => void = () => undefined
) =>
  Layer.fresh(Storage.layer({ url, journalFolder: `${folder}/journal` })).pipe(
    Layer.provide([environment(env), Logger.layer([Logger.make(({ message }) => said(String(message)))])])
  )
