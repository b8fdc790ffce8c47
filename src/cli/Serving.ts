/**
 * Serving: a gateway from its configuration to the signal that stops it.
 */
import { Console, Effect, Layer, Logger, Redacted, References } from "effect"
import { HttpServer } from "effect/http"
import type { ConfigFile } from "../config/ConfigFile.ts"
import type { TelemetrySettings } from "../config/ServerSettings.ts"
import { CredentialStore, type StoredCredential } from "../credential/CredentialStore.ts"
import { environmentCredential } from "../credential/EnvironmentCredential.ts"
import * as Gateway from "../Gateway.ts"
import type { ApiKeyCredential, Credential } from "../message/Credential.ts"
import { layerFoundation, layerServer } from "../node.ts"
import { ClientKeys } from "../policy/ClientKeys.ts"
import { sandboxCredential } from "../upstream/sandbox/SandboxProvider.ts"
import { announcement } from "./Announcement.ts"
import { type CommandFailure, ofStart, wrong } from "./CommandFailure.ts"
import { importFiles } from "./CredentialFiles.ts"
import { notActedOn, type Unserved, unserved } from "./Unserved.ts"

export interface ServingOptions {
  readonly file: ConfigFile
  /**
   * - `quickstart`: keys are made at the first start, and the sandbox serves while no credential was ever added
   * - `serve`: nothing but what the file says
   */
  readonly as: "quickstart" | "serve"
}

/** Serves until the process is told to stop. */
export const serving = Effect.fnUntraced(function* (options: ServingOptions): Effect.fn.Return<never, CommandFailure> {
  const { config } = options.file
  const gaps = unserved(config)
  yield* refuseUnserved(gaps)
  const warn = Effect.forEach(gaps, (gap) => Effect.logWarning(notActedOn(gap)), { discard: true })
  return yield* Effect.andThen(warn, Layer.launch(layer(options))).pipe(
    Effect.mapError(ofStart),
    Effect.provide(layerLogging(config.telemetry))
  )
})

/** Fails with the first member that this version would have to act on. */
export const refuseUnserved = (gaps: ReadonlyArray<Unserved>): Effect.Effect<void, CommandFailure> => {
  const refused = gaps.find((gap) => gap.refused)
  return refused === undefined
    ? Effect.void
    : Effect.fail(
        wrong(`${refused.key}: is not acted on by this version (${refused.what}), so it does not start with it`)
      )
}

const layer = ({ as, file }: ServingOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      yield* importFiles(file.config)
      const store = yield* CredentialStore
      const own = yield* unlessStored(store, yield* environmentCredential(file.config))
      const held = yield* store.everHeldOne
      const sandbox = as === "quickstart" && !held && own === null
      const ephemeral: ReadonlyArray<Credential> = [
        ...(own === null ? [] : [own]),
        ...(sandbox ? [sandboxCredential] : []),
        ...file.config.upstreams
          .filter(({ kind }) => kind === "sandbox")
          .map(({ id }) => ({ ...sandboxCredential, upstream: id }))
      ]
      return Layer.effectDiscard(announce(as, sandbox)).pipe(
        Layer.provide(Gateway.layer({ file, ephemeral })),
        Layer.provide(layerServer(file.config.server))
      )
    })
  ).pipe(Layer.provide(layerFoundation(file.config)))

/** A key that stands in the database too is served once, from there. */
const unlessStored = (store: CredentialStore["Service"], own: ApiKeyCredential | null) =>
  Effect.map(store.load, (stored) => {
    const known = ({ credential }: StoredCredential) =>
      credential.kind === "api_key" && own !== null && Redacted.value(credential.apiKey) === Redacted.value(own.apiKey)
    return stored.some(known) ? null : own
  })

/** Keys are made once the server listens: a start that fails makes none that nobody has seen. */
const announce = Effect.fnUntraced(function* (as: ServingOptions["as"], sandbox: boolean) {
  const keys = yield* ClientKeys
  const { address } = yield* HttpServer.HttpServer
  const url = HttpServer.formatAddress(address)
  if (as === "serve") return yield* Effect.logInfo(`Weir serves on ${url}`)
  const first = !keys.clientEnabled() && !keys.adminEnabled()
  const client = first ? yield* keys.create("quickstart") : null
  const admin = first ? yield* keys.resetAdmin : null
  const newKeys =
    client === null || admin === null ? null : { client: Redacted.value(client.key), admin: Redacted.value(admin.key) }
  yield* Console.log(announcement({ url, newKeys, sandbox }).join("\n"))
})

const layerLogging = ({ logFormat, logLevel }: TelemetrySettings) =>
  Layer.merge(
    Logger.layer([
      logFormat === "json" ? Logger.consoleJson : logFormat === "logfmt" ? Logger.consoleLogFmt : Logger.consolePretty()
    ]),
    Layer.succeed(References.MinimumLogLevel, logLevel)
  )
