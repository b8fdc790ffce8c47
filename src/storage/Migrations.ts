/**
 * Migrations: the tables, as steps that run once each, in order, forward only.
 *
 * Every statement is one that SQLite and PostgreSQL read alike: `text` and `bigint`, 1 or 0 for yes or no, times as
 * milliseconds since 1970. A column whose name ends in `_sealed` holds what `Secrets` makes, never clear text.
 */
import { Effect } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import { StorageUnusable } from "./StorageUnusable.ts"

/** The steps by `<number>_<name>`. A released one is never changed. */
export const steps = {
  "0001_credentials": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      create table credentials (
        id text primary key,
        ordinal bigint not null unique,
        fingerprint text not null unique,
        upstream text not null,
        kind text not null,
        priority bigint not null,
        label text,
        email text,
        group_id text,
        api_region text,
        auth_region text,
        profile_arn text,
        subscription text,
        client_id text,
        token_endpoint text,
        issuer_url text,
        scopes text,
        audience text,
        expires_at bigint,
        access_token_sealed text,
        refresh_token_sealed text,
        client_secret_sealed text,
        api_key_sealed text,
        created_at bigint not null
      )`
    yield* sql`
      create table credential_health (
        credential_id text primary key references credentials (id) on delete cascade,
        health text not null
      )`
    yield* sql`create table meta (name text primary key, value text not null)`
  }),
  "0002_settings_and_keys": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      create table settings (
        section text not null,
        member text not null,
        value_sealed text not null,
        primary key (section, member)
      )`
    yield* sql`
      create table keys (
        id text primary key,
        name text not null,
        role text not null,
        hash text not null unique,
        disabled bigint not null,
        created_at bigint not null
      )`
  }),
  "0003_credential_proxy": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`alter table credentials add column proxy_sealed text`
  }),
  "0004_requests": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      create table requests (
        id text primary key,
        time bigint not null,
        key_id text,
        model text not null,
        resolved_model text not null,
        outcome text not null,
        record text not null
      )`
    yield* sql`create index requests_by_time on requests (time, id)`
    yield* sql`
      create table request_credentials (
        credential_id text not null,
        time bigint not null,
        request_id text not null,
        primary key (credential_id, time, request_id)
      )`
    yield* sql`create index request_credentials_by_time on request_credentials (time, request_id)`
  }),
  "0005_credential_scheme": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`alter table credentials add column scheme text`
  }),
  "0006_pins": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      create table pins (
        id text primary key,
        kind text not null,
        credential_id text not null,
        saved_at bigint not null
      )`
    yield* sql`create index pins_by_age on pins (kind, saved_at, id)`
  }),
  "0007_key_limits": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`alter table keys add column limits text`
    yield* sql`
      create table key_use (
        key_id text not null,
        day bigint not null,
        tokens bigint not null,
        credits double precision not null,
        last_at bigint not null,
        primary key (key_id, day)
      )`
    yield* sql`create index key_use_by_day on key_use (day)`
  }),
  "0008_audit_and_deletions": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table audit (ordinal bigint primary key, entry text not null)`
    yield* sql`create table deleted_credentials (fingerprint text primary key, ordinal bigint not null unique)`
  })
}

const latest = Math.max(...Object.keys(steps).map((name) => Number.parseInt(name, 10)))

/** The tables that the stores read as a whole at the start. */
export const tables: ReadonlyArray<string> = ["credentials", "credential_health", "meta", "settings", "keys", "key_use"]

/** The tables that grow with use; nothing reads them as a whole. */
export const growing: ReadonlyArray<string> = [
  "requests",
  "request_credentials",
  "pins",
  "audit",
  "deleted_credentials"
]

/** Where it is kept which steps have run. */
export const table = "weir_migrations"

/**
 * Brings the tables up to this version.
 *
 * Run it inside a transaction to have all or nothing. Fails with the reason `newer` when a later version's step is there.
 */
export const run = Effect.fn("Migrations.run")(function* (
  path: string
): Effect.fn.Return<void, StorageUnusable | SqlError.SqlError | Migrator.MigrationError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  yield* migrate({ loader: Migrator.fromRecord(steps), table })
  const [applied] = yield* sql<{ readonly latest: number }>`
    select max(migration_id) as latest from ${sql(table)}`
  if (applied !== undefined && applied.latest > latest) {
    return yield* new StorageUnusable({
      path,
      reason: "newer",
      why: "a newer version of this program wrote it; run that version, or restore a copy made before"
    })
  }
})

const migrate = Migrator.make({})
