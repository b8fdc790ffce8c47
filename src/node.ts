/**
 * The Node side of the gateway: a server, storage and upstreams, for a process of its own or for another Effect program
 * that runs on Node.
 *
 * @example
 * Layer.launch(layerGateway({ file: quickstartConfig(process.cwd()), ephemeral: [] }))
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Duration, Effect, Layer, Redacted } from "effect"
import type { HttpServerError } from "effect/http"
import type { GatewayConfig } from "./config/GatewayConfig.ts"
import type { ServerSettings } from "./config/ServerSettings.ts"
import type { AnthropicUpstream, KiroUpstream } from "./config/UpstreamSettings.ts"
import * as Gateway from "./Gateway.ts"
import { NodeServer } from "./http/NodeServer.ts"
import type { UpstreamId } from "./message/Ids.ts"
import type { StorageError } from "./message/StorageError.ts"
import { version } from "./message/Version.ts"
import type { DatabaseLocked } from "./storage/DatabaseLock.ts"
import * as Storage from "./storage/Storage.ts"
import type { StorageUnusable } from "./storage/StorageUnusable.ts"
import * as AnthropicProvider from "./upstream/anthropic/AnthropicProvider.ts"
import { Dispatch } from "./upstream/Dispatch.ts"
import type { DocumentText } from "./upstream/DocumentText.ts"
import * as DocumentWorker from "./upstream/DocumentWorker.ts"
import * as KiroProvider from "./upstream/kiro/KiroProvider.ts"
import * as SandboxProvider from "./upstream/sandbox/SandboxProvider.ts"
import type { UpstreamProvider } from "./upstream/UpstreamProvider.ts"
import * as Upstreams from "./upstream/Upstreams.ts"

export { layer as layerStorage } from "./storage/Storage.ts"

/** An HTTP server on the configured address. When its scope closes, answers under way have `drain` to end. */
export const layerServer = ({
  bodyTimeout,
  drain,
  host,
  port
}: Pick<ServerSettings, "host" | "port" | "drain" | "bodyTimeout">) =>
  NodeHttpServer.layer(() => new NodeServer(Duration.toMillis(bodyTimeout)), {
    host,
    port,
    gracefulShutdownTimeout: drain
  })

/** The configured upstreams, and the sandbox beside them. */
export const layerUpstreams = ({
  upstreams
}: Pick<GatewayConfig, "upstreams">): Layer.Layer<UpstreamProvider, never, Dispatch | DocumentText> =>
  Upstreams.layer(
    Effect.gen(function* () {
      const sandbox = { provider: yield* SandboxProvider.make, kinds: SandboxProvider.kinds }
      const found = new Map<UpstreamId, Upstreams.Upstream>([[SandboxProvider.sandboxCredential.upstream, sandbox]])
      for (const upstream of upstreams) {
        found.set(
          upstream.id,
          upstream.kind === "kiro"
            ? { provider: yield* makeKiro(upstream), kinds: KiroProvider.kinds }
            : upstream.kind === "anthropic"
              ? { provider: yield* makeAnthropic(upstream), kinds: AnthropicProvider.kinds }
              : sandbox
        )
      }
      return found
    })
  )

const makeKiro = ({ allowedTokenHosts, endpoints, headers, region }: KiroUpstream) =>
  KiroProvider.make({
    endpoints: { region, ...endpoints },
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Redacted.value(value)])),
    allowedTokenHosts,
    version
  })

const makeAnthropic = ({ baseUrl }: AnthropicUpstream) => AnthropicProvider.make({ baseUrl: new URL(baseUrl), version })

/** What the pipeline stands on: storage at the configured address, the configured upstreams. */
export const layerFoundation = (
  config: Pick<GatewayConfig, "storage" | "upstreams">
): Layer.Layer<Gateway.Foundation | Storage.Database, StorageUnusable | DatabaseLocked> =>
  Layer.merge(
    Storage.layerServing({
      url: Redacted.value(config.storage.url),
      masterKeyFile: config.storage.masterKeyFile ?? undefined,
      journalFolder: config.storage.journalFolder
    }),
    layerUpstreams(config).pipe(Layer.provide([Dispatch.layer, DocumentWorker.layer]))
  )

/** A gateway that listens, on nothing but what the configuration says. */
export const layerGateway = (
  options: Gateway.GatewayOptions
): Layer.Layer<Gateway.Pipeline, StorageError | StorageUnusable | DatabaseLocked | HttpServerError.ServeError> =>
  Gateway.layer(options).pipe(
    Layer.provideMerge(layerServer(options.file.config.server)),
    Layer.provide(layerFoundation(options.file.config))
  )
