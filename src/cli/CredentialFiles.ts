/**
 * CredentialFiles: files of credentials on this machine, read into the store.
 */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { ConfigError } from "../config/ConfigError.ts"
import type { GatewayConfig } from "../config/GatewayConfig.ts"
import type { EntryOptions } from "../credential/CredentialEntry.ts"
import { parseCredentialFile, type Row } from "../credential/CredentialFile.ts"
import { importRows, intoStore } from "../credential/CredentialImport.ts"
import { CredentialStore } from "../credential/CredentialStore.ts"
import type { StorageError } from "../message/StorageError.ts"

/** What reading an entry needs of the configuration; null where no Kiro upstream is configured. */
export const entryOptions = (config: Pick<GatewayConfig, "upstreams">): EntryOptions | null => {
  const kiro = config.upstreams.find((upstream) => upstream.kind === "kiro")
  return kiro === undefined
    ? null
    : { upstream: kiro.id, authRegion: kiro.region, allowedTokenHosts: kiro.allowedTokenHosts, allowProxy: true }
}

/** Reads a file; fails naming it where it cannot be read. */
export const readRows = (file: string, options: EntryOptions): Effect.Effect<ReadonlyArray<Row>, ConfigError> =>
  Effect.map(
    Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: () => new ConfigError({ file, line: null, key: "", reason: "cannot be read" })
    }),
    (text) => parseCredentialFile(text, options)
  )

/**
 * Adds what the configured files bring and the store does not have yet. A row that is refused is told and does not stop
 * the others.
 */
export const importFiles = Effect.fnUntraced(function* (
  config: Pick<GatewayConfig, "credentials" | "upstreams">
): Effect.fn.Return<void, ConfigError | StorageError, CredentialStore> {
  const options = entryOptions(config)
  const store = yield* CredentialStore
  for (const file of config.credentials.files) {
    if (options === null) {
      const reason = "is configured, but there is no upstream of kind kiro to use it with"
      return yield* new ConfigError({ file, line: null, key: "credentials.files", reason })
    }
    const results = yield* importRows(yield* readRows(file, options), intoStore(store))
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
