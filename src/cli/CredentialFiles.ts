/**
 * CredentialFiles: files of credentials on this machine, read into the store.
 */
import { Effect, Result } from "effect"
import { readFile } from "node:fs/promises"
import { ConfigError } from "../config/ConfigError.ts"
import type { GatewayConfig } from "../config/GatewayConfig.ts"
import { variable } from "../config/Environment.ts"
import { variablesOf } from "../credential/AnthropicEntry.ts"
import { entriesIn, parseEntries, type Row } from "../credential/CredentialFile.ts"
import { importRows, intoStore } from "../credential/CredentialImport.ts"
import { CredentialStore } from "../credential/CredentialStore.ts"
import { takesCredentials } from "../credential/EntryUpstream.ts"
import type { StorageError } from "../message/StorageError.ts"

/**
 * Reads a file of the operator's own: it may bring proxies and name variables of the environment. Fails naming it where
 * it cannot be read.
 */
export const readRows = Effect.fnUntraced(function* (
  file: string,
  { upstreams }: Pick<GatewayConfig, "upstreams">
): Effect.fn.Return<ReadonlyArray<Row>, ConfigError> {
  const text = yield* Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: () => new ConfigError({ file, line: null, key: "", reason: "cannot be read" })
  })
  const entries = entriesIn(text)
  if (Result.isFailure(entries)) return entries.failure
  const environment = new Map<string, string>()
  for (const name of variablesOf(entries.success)) {
    const value = yield* variable(name)
    if (value !== null) environment.set(name, value)
  }
  return parseEntries(entries.success, { upstreams, environment, allowProxy: true })
})

/**
 * Adds what the configured files bring and the store does not have yet. A row that is refused is told and does not stop
 * the others. What an operator has deleted stays deleted until its entry brings another token or key.
 */
export const importFiles = Effect.fnUntraced(function* (
  config: Pick<GatewayConfig, "credentials" | "upstreams">
): Effect.fn.Return<void, ConfigError | StorageError, CredentialStore> {
  const store = yield* CredentialStore
  for (const file of config.credentials.files) {
    if (!takesCredentials(config.upstreams)) {
      const reason = "is configured, but there is no upstream of kind kiro or anthropic to use it with"
      return yield* new ConfigError({ file, line: null, key: "credentials.files", reason })
    }
    const rows = yield* Effect.filter(yield* readRows(file, config), (row) =>
      row.kind === "credential"
        ? Effect.map(store.wasRemoved(row.fingerprint), (removed) => !removed)
        : Effect.succeed(true)
    )
    const results = yield* importRows(rows, intoStore(store))
    for (const { message, row, status } of results) {
      if (status === "invalid") yield* Effect.logWarning(`${file}: row ${row} is not used: ${message}`)
      else if (status !== "duplicate" && message !== undefined) {
        yield* Effect.logWarning(`${file}: row ${row} is used: ${message}`)
      }
    }
    const added = results.filter(({ status }) => status === "added").length
    if (added > 0) yield* Effect.logInfo(`${file}: ${added} credentials added`)
  }
})
