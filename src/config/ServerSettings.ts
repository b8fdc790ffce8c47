/**
 * ServerSettings: the sections that take effect at start only: server, auth, storage, credentials and telemetry.
 */
import { Schema } from "effect"
import { ByteSize } from "./ByteSize.ts"
import { member } from "./ConfigMember.ts"
import { FiniteDuration } from "./FiniteDuration.ts"
import { HttpAddress } from "./HttpAddress.ts"
import { SecretKey } from "./Secret.ts"
import { StorageAddress } from "./StorageAddress.ts"

const whole = (minimum: number, maximum: number) => {
  const expected = `a whole number from ${minimum} to ${maximum}`
  return Schema.Number.check(Schema.isInt({ expected }), Schema.isBetween({ minimum, maximum }, { expected }))
}

const HostName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_.:[\]-]{1,255}$/u, { expected: "a host name or an address, without a scheme" })
)

const Origin = Schema.String.check(
  Schema.makeFilter(
    (text: string) =>
      text === "*" || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text),
    { expected: `an origin such as "https://app.example.com", or "*"` }
  )
)

const FilePath = Schema.String.check(Schema.isPattern(/^[^\0]{1,4096}$/u, { expected: "the path of a file" }))

/** Where the gateway listens, and how it stops. */
export const ServerSettings = Schema.Struct({
  host: member(HostName, "127.0.0.1", "Address to listen on. Off this machine every key needs 20 characters at least."),
  port: member(whole(0, 65_535), 8990, "Port to listen on; 0: any free one."),
  lameDuck: member(FiniteDuration, "2 seconds", "After SIGTERM, how long new requests still get an answer (529)."),
  drain: member(FiniteDuration, "30 seconds", "After that, how long running answers may take to end."),
  maxBody: member(
    ByteSize.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 30 }, { expected: `a size from "1 B" to "1 GiB"` })),
    "32 MiB",
    "Largest request body; larger ones are answered 413."
  ),
  bodyTimeout: member(FiniteDuration, "60 seconds", "Longest time for a request body to arrive."),
  workers: member(whole(1, 64), 1, "Processes that serve."),
  allowedHosts: member(
    Schema.Array(HostName),
    [],
    "Host headers under which the admin API and the metrics answer, beside loopback and server.host."
  ),
  corsOrigins: member(Schema.Array(Origin), [], "Origins whose browsers may call the client API; never the admin API.")
})
export type ServerSettings = typeof ServerSettings.Type

/** Who may call. Keys made by `weir keys` stand in the database and are valid beside these. */
export const AuthSettings = Schema.Struct({
  clientKeys: member(Schema.Array(SecretKey), [], "Keys of client programs; better env:NAME than the key itself."),
  adminKey: member(
    Schema.NullOr(SecretKey),
    null,
    "Key of the admin API and its page; null: off, unless one stands in the database."
  )
})
export type AuthSettings = typeof AuthSettings.Type

/** Where the gateway remembers. */
export const StorageSettings = Schema.Struct({
  url: member(
    StorageAddress,
    "sqlite:./data/weir.db",
    "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE; a path is relative to this file."
  ),
  masterKeyFile: member(
    Schema.NullOr(FilePath),
    null,
    "File of the key that seals secrets, relative to this file. Left out: master.key beside the SQLite database; with " +
      "PostgreSQL it or WEIR_MASTER_KEY is required. The environment's WEIR_MASTER_KEY goes before it."
  ),
  journalFolder: member(
    FilePath,
    "./data",
    "Folder of this machine for the ledger's journal, relative to this file, where the database is PostgreSQL; with " +
      "SQLite the journal lies beside the database."
  ),
  retention: member(FiniteDuration, "30 days", "How long the record of a request is kept.")
})
export type StorageSettings = typeof StorageSettings.Type

/** Which files bring credentials at each start. */
export const CredentialSettings = Schema.Struct({
  files: member(Schema.Array(FilePath), [], "Credential files to read at start, relative to this file.")
})
export type CredentialSettings = typeof CredentialSettings.Type

/** What the gateway tells of itself. */
export const TelemetrySettings = Schema.Struct({
  otlpUrl: member(
    Schema.NullOr(HttpAddress),
    null,
    "Address of an OpenTelemetry collector (OTLP over HTTP); null: none."
  ),
  traceSampling: member(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }, { expected: "a number from 0 to 1" })),
    0.1,
    "Share of requests that are traced, from 0 to 1."
  ),
  prometheus: member(Schema.Boolean, true, "Whether /metrics answers."),
  logLevel: member(
    Schema.Literals(["All", "Trace", "Debug", "Info", "Warn", "Error", "Fatal", "None"]),
    "Info",
    "The least important message that is logged."
  ),
  logFormat: member(Schema.Literals(["pretty", "json", "logfmt"]), "pretty", "How messages are written.")
})
export type TelemetrySettings = typeof TelemetrySettings.Type
