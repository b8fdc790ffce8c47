/**
 * AdminRoutes: everything under `/api/admin`. These routes add no CORS header; neither may what stands around them.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import type { RuntimeSettings } from "../config/RuntimeSettings.ts"
import type { CacheAccounting } from "../cache/CacheAccounting.ts"
import type { CredentialIntake } from "../credential/CredentialIntake.ts"
import type { CredentialPool } from "../credential/CredentialPool.ts"
import type { ModelList } from "../exchange/ModelList.ts"
import type { Ledger } from "../ledger/Ledger.ts"
import { ClientKeys } from "../policy/ClientKeys.ts"
import type { KeyAdmission } from "../policy/KeyAdmission.ts"
import { AdminApi } from "./AdminApi.ts"
import * as Audit from "./Audit.ts"
import * as AuditHandlers from "./AuditHandlers.ts"
import type { AuditStore } from "./AuditStore.ts"
import * as AdminGuard from "./AdminGuard.ts"
import * as CacheHandlers from "./CacheHandlers.ts"
import * as CredentialHandlers from "./CredentialHandlers.ts"
import type { EventFeed } from "./EventFeed.ts"
import * as EventHandlers from "./EventHandlers.ts"
import * as IntakeHandlers from "./IntakeHandlers.ts"
import * as KeyHandlers from "./KeyHandlers.ts"
import * as MetricsHandlers from "./MetricsHandlers.ts"
import { methodsOf } from "./KnownPaths.ts"
import * as PoolHandlers from "./PoolHandlers.ts"
import * as RequestHandlers from "./RequestHandlers.ts"
import * as SettingsHandlers from "./SettingsHandlers.ts"
import * as ReferencePage from "./ReferencePage.ts"

/**
 * The API, its OpenAPI document and its reference page; 404 for all of it while there is no admin key. `guard` stands
 * before all of them and decides which Host headers are answered at all: the middleware of `http/AllowedHosts`.
 */
export const layer = (
  guard: Layer.Layer<never>
): Layer.Layer<
  never,
  never,
  | HttpRouter.HttpRouter
  | AuditStore
  | CacheAccounting
  | CredentialIntake
  | CredentialPool
  | ClientKeys
  | EventFeed
  | KeyAdmission
  | Ledger
  | ModelList
  | RuntimeSettings
> =>
  Layer.mergeAll(api, ReferencePage.layer, elsewhere).pipe(Layer.provide([guard, door.layer, HttpServer.layerServices]))

const api = HttpApiBuilder.layer(AdminApi, { openapiPath: "/api/admin/openapi.json" }).pipe(
  Layer.provide([
    AuditHandlers.layer,
    CacheHandlers.layer,
    CredentialHandlers.layer,
    EventHandlers.layer,
    IntakeHandlers.layer,
    KeyHandlers.layer,
    MetricsHandlers.layer,
    PoolHandlers.layer,
    RequestHandlers.layer,
    SettingsHandlers.layer
  ]),
  Layer.provide([Audit.layer, AdminGuard.layerAccess, AdminGuard.layerFaults])
)

const notFound = (message: string) =>
  HttpServerResponse.jsonUnsafe({ type: "error", error: { type: "not_found_error", message } }, { status: 404 })

/** Whatever else is asked under this path, by whatever method. */
const elsewhere = HttpRouter.add(
  "*",
  "/api/admin/*",
  Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => {
    const methods = methodsOf(url.split("?", 1)[0] ?? "")
    return methods.length === 0 ? notFound("the admin API has no such path") : otherMethod(methods.join(", "))
  })
)

const otherMethod = (allow: string) =>
  HttpServerResponse.jsonUnsafe(
    { type: "error", error: { type: "invalid_request_error", message: `this path takes ${allow}` } },
    { status: 405, headers: { allow } }
  )

/**
 * No inline code, no foreign host, no frame, nothing guessed, nothing kept in a cache and no address told to others.
 */
const safety = {
  "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store"
}

const door = HttpRouter.middleware(
  Effect.map(
    ClientKeys,
    (keys) => (serve) =>
      Effect.suspend(() =>
        keys.adminEnabled() ? serve : Effect.succeed(notFound("the admin API is off: there is no admin key"))
      ).pipe(Effect.map(HttpServerResponse.setHeaders(safety)))
  )
)
