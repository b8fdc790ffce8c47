/**
 * CredentialCommands: `weir credentials import` and `weir credentials list`, while no server runs.
 */
import { Console, DateTime, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { importRows, type ImportResult, intoStore } from "../credential/CredentialImport.ts"
import { CredentialStore, isCooling, type StoredCredential } from "../credential/CredentialStore.ts"
import { takesCredentials } from "../credential/EntryUpstream.ts"
import * as Storage from "../storage/Storage.ts"
import { ofStart, wrong } from "./CommandFailure.ts"
import { readRows } from "./CredentialFiles.ts"
import { configOr, optionalConfig, quiet, storageOf } from "./StorageCommands.ts"

const importFile = Command.make(
  "import",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("JSON as kiro.rs, its forks or Kiro's sign-in write it, or with keys of Anthropic's API")
    ),
    config: optionalConfig
  },
  Effect.fnUntraced(function* ({ config, file }) {
    const configured = yield* configOr(config)
    if (!takesCredentials(configured.config.upstreams)) {
      return yield* wrong("there is no upstream of kind kiro or anthropic in the configuration")
    }
    const rows = yield* Effect.mapError(readRows(file, configured.config), ofStart)
    const results = yield* Effect.flatMap(CredentialStore, (store) => importRows(rows, intoStore(store))).pipe(
      Effect.provide(Storage.layer(storageOf(configured))),
      Effect.mapError(ofStart)
    )
    yield* Console.log([...results.map(line), summary(results)].join("\n"))
    if (results.some(({ status }) => status === "invalid")) return yield* wrong(`${file}: some rows were refused`)
  }, Effect.provide(quiet))
).pipe(Command.withDescription("Add the credentials of a file; one line for each row, and a summary"))

const line = ({ id, message, row, status }: ImportResult): string =>
  [`row ${row}: ${status}`, id ?? "", message ?? ""].filter((part) => part !== "").join("  ")

const summary = (results: ReadonlyArray<ImportResult>): string =>
  (["added", "duplicate", "invalid"] as const)
    .map((status) => `${results.filter((result) => result.status === status).length} ${status}`)
    .join(", ")

const list = Command.make(
  "list",
  { config: optionalConfig },
  Effect.fnUntraced(function* ({ config }) {
    const configured = yield* configOr(config)
    const credentials = yield* Effect.flatMap(CredentialStore, (store) => store.load).pipe(
      Effect.provide(Storage.layer(storageOf(configured))),
      Effect.mapError(ofStart)
    )
    const now = yield* DateTime.now
    yield* Console.log(table([heading, ...credentials.map((credential) => cells(credential, now))]))
  }, Effect.provide(quiet))
).pipe(Command.withDescription("The pool as a table: state, why not eligible, soonest recovery"))

const heading = ["ID", "KIND", "PRIORITY", "STATE", "WHY", "UNTIL"]

const cells = ({ credential, health }: StoredCredential, now: DateTime.Utc): ReadonlyArray<string> => {
  const { disabled } = health
  const { id, kind, priority } = credential
  const shown = [id, kind, String(priority)]
  if (disabled !== null && (disabled.until === null || DateTime.isGreaterThan(disabled.until, now))) {
    return [...shown, "disabled", disabled.reason, disabled.until === null ? "" : DateTime.formatIso(disabled.until)]
  }
  return isCooling(health.cooldown, now)
    ? [...shown, "cooling", health.cooldown.reason, DateTime.formatIso(health.cooldown.until)]
    : [...shown, "ready", "", ""]
}

/** Columns as wide as their widest cell. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

export const credentials = Command.make("credentials").pipe(
  Command.withDescription("Upstream credentials in the database"),
  Command.withSubcommands([importFile, list])
)
