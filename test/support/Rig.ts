/**
 * Rig: a whole gateway on a real socket in front of a simulated Kiro, with stores in memory.
 */
import { Context, Effect, Layer, Redacted, type Scope } from "effect"
import { HttpServer } from "effect/http"
import * as AuditStoreMemory from "../../src/admin/AuditStoreMemory.ts"
import { decodeConfig } from "../../src/config/ConfigFile.ts"
import type { Json } from "../../src/config/Jsonc.ts"
import * as SettingsStoreMemory from "../../src/config/SettingsStoreMemory.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import * as CredentialStoreMemory from "../../src/credential/CredentialStoreMemory.ts"
import * as Gateway from "../../src/Gateway.ts"
import type { AnthropicCredential, ApiKeyCredential, Credential } from "../../src/message/Credential.ts"
import { UpstreamId } from "../../src/message/Ids.ts"
import { layerServer, layerUpstreams } from "../../src/node.ts"
import { PinStore } from "../../src/exchange/PinStore.ts"
import * as PinStoreMemory from "../../src/exchange/PinStoreMemory.ts"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import * as KeyStoreMemory from "../../src/policy/KeyStoreMemory.ts"
import type { Simulator } from "../../src/simulator/KiroSimulator.ts"
import type { Script } from "../../src/simulator/Script.ts"
import { Dispatch } from "../../src/upstream/Dispatch.ts"
import * as DocumentWorker from "../../src/upstream/DocumentWorker.ts"
import { credentialBase } from "./Credentials.ts"
import { makeSimulator } from "./JudgedSimulator.ts"

export const clientKey = "client-key-of-the-test-rig"
export const adminKey = "admin-key-of-the-test-rig"

export interface RigOptions {
  readonly script?: Script
  /** @default one API key, `ksk_1` */
  readonly credentials?: ReadonlyArray<Credential>
  /** Sections of the configuration file. */
  readonly config?: { readonly [section: string]: Json }
}

export interface Rig {
  /** Address of the gateway without a path. */
  readonly url: string
  readonly simulator: Simulator
  readonly pool: CredentialPool["Service"]
  readonly pins: PinStore["Service"]
}

/** An API key credential; a token has to begin with `ksk_`, and scripts can name it. */
export const apiKey = (token: string, more: Partial<ApiKeyCredential> = {}): ApiKeyCredential => ({
  ...credentialBase(token),
  kind: "api_key",
  apiKey: Redacted.make(token),
  ...more
})

/** A key of Anthropic's API as a credential. */
export const anthropicKey = (id: string, more: Partial<AnthropicCredential> = {}): AnthropicCredential => ({
  ...credentialBase(id),
  upstream: UpstreamId.make("anthropic"),
  kind: "anthropic",
  scheme: "api_key",
  secret: Redacted.make(`sk-ant-${id}`),
  ...more
})

/** A gateway alone, on a real socket, with stores in memory. */
export const makeGateway = Effect.fnUntraced(function* (
  config: { readonly [section: string]: Json },
  credentials: ReadonlyArray<Credential>
): Effect.fn.Return<Omit<Rig, "simulator">, never, Scope.Scope> {
  const file = yield* Effect.orDie(
    decodeConfig(
      {
        auth: { clientKeys: [clientKey], adminKey },
        ...config,
        server: { port: 0, lameDuck: "0 seconds", drain: "5 seconds", ...objectOf(config["server"]) }
      },
      "/nowhere"
    ).pipe(Effect.mapError(({ path, reason }) => new Error(`${path.join(".")}: ${reason}`)))
  )
  const stores = Layer.mergeAll(
    CredentialStoreMemory.layer(credentials.map((credential) => ({ credential, fingerprint: credential.id }))),
    SettingsStoreMemory.layer(),
    KeyStoreMemory.layer(),
    AuditStoreMemory.layer,
    LedgerStoreMemory.layer
  )
  const upstreams = layerUpstreams(file.config).pipe(Layer.provide([Dispatch.layer, DocumentWorker.layer]))
  const gateway = Gateway.layer({ file, ephemeral: [] }).pipe(
    Layer.provideMerge(layerServer(file.config.server)),
    Layer.provideMerge(PinStoreMemory.layer),
    Layer.provide([stores, upstreams])
  )
  const services = yield* Effect.orDie(Layer.build(Layer.fresh(gateway)))
  return {
    url: HttpServer.formatAddress(Context.get(services, HttpServer.HttpServer).address),
    pool: Context.get(services, CredentialPool),
    pins: Context.get(services, PinStore)
  }
})

/** Starts both; they stop with the scope, the gateway first. */
export const makeRig = Effect.fnUntraced(function* (
  options: RigOptions = {}
): Effect.fn.Return<Rig, never, Scope.Scope> {
  const simulator = yield* makeSimulator(options.script)
  const kiro = {
    id: "kiro",
    kind: "kiro",
    endpoints: {
      api: simulator.url,
      socialRefresh: `${simulator.url}/refreshToken`,
      idcRefresh: `${simulator.url}/token`
    }
  }
  const gateway = yield* makeGateway({ upstreams: [kiro], ...options.config }, options.credentials ?? [apiKey("ksk_1")])
  return { ...gateway, simulator }
})

const objectOf = (value: Json | undefined): object => (typeof value === "object" && value !== null ? value : {})
