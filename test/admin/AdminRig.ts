/**
 * AdminRig: the admin API on a real socket, over a real pool with its store in memory and a provider that is not there.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Context, DateTime, Duration, Effect, Layer, Option, Redacted, Schema, type Scope } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer, request } from "node:http"
import * as AdminRoutes from "../../src/admin/AdminRoutes.ts"
import { AuditStore } from "../../src/admin/AuditStore.ts"
import * as AuditStoreMemory from "../../src/admin/AuditStoreMemory.ts"
import { EventFeed } from "../../src/admin/EventFeed.ts"
import { CacheAccounting } from "../../src/cache/CacheAccounting.ts"
import { quickstartConfig } from "../../src/config/ConfigFile.ts"
import { RuntimeSettings } from "../../src/config/RuntimeSettings.ts"
import { CredentialIntake } from "../../src/credential/CredentialIntake.ts"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { CredentialStore } from "../../src/credential/CredentialStore.ts"
import * as CredentialStoreMemory from "../../src/credential/CredentialStoreMemory.ts"
import { ModelList } from "../../src/exchange/ModelList.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import * as LedgerStoreMemory from "../../src/ledger/LedgerStoreMemory.ts"
import * as AllowedHosts from "../../src/http/AllowedHosts.ts"
import type { Credential, RefreshedTokens } from "../../src/message/Credential.ts"
import { StorageError } from "../../src/message/StorageError.ts"
import { anthropicUpstream, kiroUpstream } from "../support/Credentials.ts"
import { ClientKeys } from "../../src/policy/ClientKeys.ts"
import { KeyAdmission } from "../../src/policy/KeyAdmission.ts"
import * as KeyStoreMemory from "../../src/policy/KeyStoreMemory.ts"
import { RefreshFailure } from "../../src/upstream/RefreshFailure.ts"
import { type Balance, UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"

/** Of the configuration. */
export const clientKey = "SECRET client key of these tests"
export const adminKey = "the-admin-key-of-these-tests"

export interface AdminRigOptions {
  readonly credentials?: ReadonlyArray<Credential>
  /** Null: there is none. */
  readonly adminKey?: string | null
  /** What the identity provider does. */
  readonly refresh?: Effect.Effect<RefreshedTokens, RefreshFailure>
  /** Whether changes can be recorded. */
  readonly auditWorks?: boolean
  /** What the store does with a change. */
  readonly update?: Effect.Effect<void, StorageError>
}

export interface AdminRig {
  readonly url: string
  readonly port: number
  readonly pool: CredentialPool["Service"]
  readonly settings: RuntimeSettings["Service"]
  readonly ledger: Ledger["Service"]
  readonly audit: AuditStore["Service"]
  readonly store: CredentialStore["Service"]
}

/** What a refresh brings; its secrets are found nowhere else. */
export const refreshed: RefreshedTokens = {
  accessToken: Redacted.make("SECRET new access token"),
  refreshToken: Redacted.make("SECRET new refresh token"),
  expiresAt: DateTime.makeUnsafe("2030-01-01T00:00:00Z"),
  profileArn: null,
  tokenEndpoint: null
}

/** What is left of every account's plan. */
export const balance: Balance = {
  subscription: "KIRO PRO",
  email: "who@example.com",
  used: 3,
  limit: 10,
  remaining: 7,
  resetsAt: Date.UTC(2026, 11, 1)
}

/** An identity provider that repeats the token it refuses. */
export const refusing = (kind: RefreshFailure["kind"]) =>
  Effect.fail(new RefreshFailure({ kind, status: 400, detail: "SECRET of the provider's answer" }))

const unrecorded = Effect.fail(new StorageError({ operation: "record a change", cause: new Error("disk full") }))
const brokenAudit = Layer.succeed(AuditStore, { add: () => unrecorded, page: () => unrecorded })

/** Serves until the scope closes. */
export const makeAdminRig = Effect.fnUntraced(function* (
  options: AdminRigOptions = {}
): Effect.fn.Return<AdminRig, never, Scope.Scope> {
  const key = options.adminKey === undefined ? adminKey : options.adminKey
  const clientKeys = [Redacted.make(clientKey)]
  const keys = ClientKeys.layer({ clientKeys, adminKey: key === null ? null : Redacted.make(key) }).pipe(
    Layer.provide(KeyStoreMemory.layer())
  )
  const provider = Layer.mock(UpstreamProvider, {
    answersWhole: () => false,
    refresh: () => options.refresh ?? Effect.succeed(refreshed),
    discoverProfile: () => Effect.succeed(null),
    listModels: () => Effect.succeed([]),
    balance: () => Effect.succeed(balance)
  })
  const memory = CredentialStoreMemory.layer(
    (options.credentials ?? []).map((credential) => ({ credential, fingerprint: `fingerprint of ${credential.id}` }))
  )
  const store = Layer.effect(
    CredentialStore,
    Effect.map(CredentialStore, (store) =>
      CredentialStore.of({ ...store, update: (id, change) => options.update ?? store.update(id, change) })
    )
  ).pipe(Layer.provide(memory))
  const services = CredentialPool.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(keys, RuntimeSettings.layerMemory(quickstartConfig("/nowhere")))),
    Layer.provide(provider),
    Layer.provideMerge(store)
  )
  const models = KeyAdmission.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(ModelList.layer, CacheAccounting.layer, Ledger.layer(Duration.days(1)))),
    Layer.provide([services, LedgerStoreMemory.layer])
  )
  const rest = Layer.mergeAll(
    CredentialIntake.layer([kiroUpstream("kiro", { allowedTokenHosts: [] }), anthropicUpstream("anthropic")]).pipe(
      Layer.provide(services)
    ),
    options.auditWorks === false ? brokenAudit : Layer.fresh(AuditStoreMemory.layer)
  )
  const guard = AllowedHosts.middleware({ host: "10.0.0.7", allowedHosts: ["gateway.lan"] })
  const serving = HttpRouter.serve(AdminRoutes.layer(guard.layer), { disableLogger: true, disableListenLog: true })
  const served = EventFeed.layerStop.pipe(
    Layer.provideMerge(serving),
    Layer.provideMerge(models),
    Layer.provideMerge(EventFeed.layer.pipe(Layer.provide([services, models]))),
    Layer.provideMerge(rest),
    Layer.provideMerge(services),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
    Layer.orDie
  )
  const context = yield* Layer.build(served)
  const { address } = Context.get(context, HttpServer.HttpServer)
  const port = address._tag === "UnixPathAddress" ? 0 : address.port
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pool: Context.get(context, CredentialPool),
    settings: Context.get(context, RuntimeSettings),
    ledger: Context.get(context, Ledger),
    audit: Context.get(context, AuditStore),
    store: Context.get(context, CredentialStore)
  }
})

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
  /** The parsed body, or undefined where it is no JSON. */
  readonly json: unknown
}

export interface Asking {
  readonly method?: string
  /** Null: none. */
  readonly key?: string | null
  readonly headers?: Record<string, string>
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

/** One request, its answer read to the end. Whatever header is asked for is sent, Host included. */
export const ask = (rig: AdminRig, path: string, asking: Asking = {}): Effect.Effect<Answered> =>
  Effect.callback<Answered>((resume) => {
    const { body, key = adminKey } = asking
    const sent = request(
      {
        host: "127.0.0.1",
        port: rig.port,
        path,
        method: asking.method ?? (body === undefined ? "GET" : "POST"),
        agent: false,
        headers: { ...(key === null ? {} : { "x-api-key": key }), ...asking.headers }
      },
      (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString()
          const json = Option.getOrUndefined(parse(text))
          resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text, json }))
        })
      }
    )
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body))
    return Effect.sync(() => sent.destroy())
  })

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** A POST without a body. */
export const post = (rig: AdminRig, path: string, asking: Asking = {}) => ask(rig, path, { method: "POST", ...asking })

/** The error of an answer, as `type: message`, or what else the answer is. */
export const errorOf = ({ json, text }: Answered): string => {
  const decoded = Option.getOrNull(decodeError(json))
  return decoded === null ? text : `${decoded.error.type}: ${decoded.error.message}`
}

const decodeError = Schema.decodeUnknownOption(
  Schema.Struct({
    type: Schema.Literal("error"),
    error: Schema.Struct({ type: Schema.String, message: Schema.String })
  })
)
