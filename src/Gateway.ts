/**
 * Gateway: the whole pipeline, readable as one sentence of layers.
 *
 * What stands outside of it is what a host may replace: the stores, the upstreams, the HTTP server. `node.ts` provides
 * all of them for a server of its own; another program provides its own, or mounts `routes` on its own router.
 */
import { Layer } from "effect"
import { HttpRouter, type HttpServer } from "effect/http"
import * as AdminRoutes from "./admin/AdminRoutes.ts"
import type { AuditStore } from "./admin/AuditStore.ts"
import { EventFeed } from "./admin/EventFeed.ts"
import { CacheAccounting } from "./cache/CacheAccounting.ts"
import type { ConfigFile } from "./config/ConfigFile.ts"
import { RuntimeSettings } from "./config/RuntimeSettings.ts"
import type { SettingsStore } from "./config/SettingsStore.ts"
import { CredentialIntake } from "./credential/CredentialIntake.ts"
import { CredentialPool } from "./credential/CredentialPool.ts"
import type { CredentialStore } from "./credential/CredentialStore.ts"
import { AccountCalls } from "./exchange/AccountCalls.ts"
import { Exchange } from "./exchange/Exchange.ts"
import { Heartbeat } from "./exchange/Heartbeat.ts"
import type { PinStore } from "./exchange/PinStore.ts"
import type { JournalStore } from "./ledger/JournalStore.ts"
import { Ledger } from "./ledger/Ledger.ts"
import type { LedgerStore } from "./ledger/LedgerStore.ts"
import { ModelList } from "./exchange/ModelList.ts"
import { TokenCount } from "./exchange/TokenCount.ts"
import * as AllowedHosts from "./http/AllowedHosts.ts"
import { Readiness } from "./http/Readiness.ts"
import * as Routes from "./http/Routes.ts"
import type { Credential } from "./message/Credential.ts"
import type { StorageError } from "./message/StorageError.ts"
import { ClientKeys } from "./policy/ClientKeys.ts"
import { KeyAdmission } from "./policy/KeyAdmission.ts"
import type { KeyStore } from "./policy/KeyStore.ts"
import type { UpstreamProvider } from "./upstream/UpstreamProvider.ts"

export interface GatewayOptions {
  readonly file: ConfigFile
  /** Credentials that are used like any other and never written anywhere. */
  readonly ephemeral: ReadonlyArray<Credential>
}

/** What the pipeline is built on. */
export type Foundation =
  | CredentialStore
  | SettingsStore
  | KeyStore
  | JournalStore
  | LedgerStore
  | PinStore
  | AuditStore
  | UpstreamProvider

/** The services that requests go through, in the order in which they meet them, and two that operators' go through. */
export type Pipeline =
  | ClientKeys
  | RuntimeSettings
  | CacheAccounting
  | CredentialPool
  | ModelList
  | Ledger
  | KeyAdmission
  | Heartbeat
  | Exchange
  | AccountCalls
  | TokenCount
  | Readiness
  | CredentialIntake
  | EventFeed

/** The pipeline without anything that listens. */
export const pipeline = ({ ephemeral, file }: GatewayOptions): Layer.Layer<Pipeline, StorageError, Foundation> =>
  Layer.mergeAll(
    Exchange.layer,
    AccountCalls.layer(anthropicIn(file.config)),
    TokenCount.layer(anthropicIn(file.config)),
    KeyAdmission.layer,
    CredentialIntake.layer(file.config.upstreams),
    EventFeed.layer
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        ModelList.layer,
        Heartbeat.layer,
        CacheAccounting.layer,
        Ledger.layer(file.config.storage.retention)
      )
    ),
    Layer.provideMerge(CredentialPool.layerWith({ ephemeral, proxy: file.config.proxy })),
    Layer.provideMerge(Layer.mergeAll(RuntimeSettings.layer(file), ClientKeys.layer(file.config.auth), Readiness.layer))
  )

/** The upstreams that keep files and batches, and count tokens. */
const anthropicIn = ({ upstreams }: ConfigFile["config"]) =>
  upstreams.flatMap(({ id, kind }) => (kind === "anthropic" ? [id] : []))

/** Everything that is answered, on whatever router it is mounted. */
export const routes = (file: ConfigFile) =>
  Layer.mergeAll(Routes.layer(file.config), AdminRoutes.layer(AllowedHosts.middleware(file.config.server).layer))

/** The gateway on an HTTP server. Stops by itself when its scope closes: first the lame duck, then the drain. */
export const layer = (
  options: GatewayOptions
): Layer.Layer<Pipeline, StorageError, Foundation | HttpServer.HttpServer> =>
  Layer.merge(Readiness.layerLameDuck(options.file.config.server.lameDuck), EventFeed.layerStop).pipe(
    Layer.provideMerge(HttpRouter.serve(routes(options.file), { disableLogger: true, disableListenLog: true })),
    Layer.provideMerge(pipeline(options))
  )
