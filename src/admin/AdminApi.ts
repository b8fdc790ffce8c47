/**
 * AdminApi: what an operator may ask of a running gateway. Only the definition: the admin page makes its client from it,
 * so nothing here knows the platform or a service.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, OpenApi } from "effect/http-api"
import { CredentialId } from "../message/Ids.ts"
import { version } from "../message/Version.ts"
import {
  BalanceView,
  CredentialPage,
  CredentialQuery,
  CredentialView,
  SetDisabled,
  SetGroup,
  SetPriority
} from "./CredentialSchema.ts"
import {
  BadRequestAnswer,
  ForbiddenAnswer,
  InternalAnswer,
  NotFoundAnswer,
  RefreshFailedAnswer,
  TooLargeAnswer,
  TooManyWrongKeysAnswer,
  UnauthenticatedAnswer
} from "./ErrorSchema.ts"

import { AuditGroup } from "./AuditApi.ts"
import { CacheGroup } from "./CacheApi.ts"
import { KeysGroup } from "./KeyApi.ts"
import { EventsGroup } from "./EventApi.ts"
import { IntakeGroup } from "./IntakeApi.ts"
import { MetricsGroup } from "./MetricsApi.ts"
import { PoolGroup } from "./PoolApi.ts"
import { RequestsGroup } from "./RequestApi.ts"
import { SettingsGroup } from "./SettingsApi.ts"

/** Lets a request pass that presents an admin key. */
export class AdminAccess extends HttpApiMiddleware.Service<AdminAccess>()("weir/admin/AdminAccess", {
  error: [UnauthenticatedAnswer, ForbiddenAnswer, TooManyWrongKeysAnswer]
}) {}

/** Answers in the API's own words where a request does not fit its schema, or where we made a mistake. */
export class AdminFaults extends HttpApiMiddleware.Service<AdminFaults>()("weir/admin/AdminFaults", {
  error: [BadRequestAnswer, InternalAnswer]
}) {}

/** Records every change that succeeds. */
export class AdminAudit extends HttpApiMiddleware.Service<AdminAudit>()("weir/admin/AdminAudit") {}

const params = { id: CredentialId }

/** The pool's credentials. */
export class CredentialsGroup extends HttpApiGroup.make("credentials")
  .add(
    HttpApiEndpoint.get("list", "/credentials", {
      query: CredentialQuery,
      success: CredentialPage,
      error: [BadRequestAnswer, NotFoundAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "List credentials",
        description:
          "In order of preference, by page. Whoever neither comes, goes nor changes priority while the pages are read stands on exactly one."
      })
    ),
    HttpApiEndpoint.post("setDisabled", "/credentials/:id/disabled", {
      params,
      payload: SetDisabled,
      success: CredentialView,
      error: [NotFoundAnswer, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Disable or enable",
        description: "Enabling also forgets failures and ends a cooldown. Requests that it serves now may end."
      })
    ),
    HttpApiEndpoint.post("setPriority", "/credentials/:id/priority", {
      params,
      payload: SetPriority,
      success: CredentialView,
      error: [NotFoundAnswer, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({ summary: "Set the priority", description: "From the next request. Lower is preferred." })
    ),
    HttpApiEndpoint.post("setGroup", "/credentials/:id/group", {
      params,
      payload: SetGroup,
      success: CredentialView,
      error: [BadRequestAnswer, NotFoundAnswer, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({ summary: "Set the group", description: "One that is configured, or null for none." })
    ),
    HttpApiEndpoint.delete("remove", "/credentials/:id", {
      params,
      success: CredentialView,
      error: [BadRequestAnswer, NotFoundAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Delete a disabled credential",
        description:
          "Answers with it as it was. Requests that it serves now may end. One that came from a configured file stays " +
          "deleted until its entry there brings another token or key, or it is added again here; one from the environment " +
          "is back at the next start."
      })
    ),
    HttpApiEndpoint.get("balance", "/credentials/:id/balance", {
      params,
      success: BalanceView,
      error: [NotFoundAnswer, RefreshFailedAnswer]
    }).annotateMerge(
      OpenApi.annotations({ summary: "What is left of its plan", description: "At most five minutes old." })
    ),
    HttpApiEndpoint.post("reset", "/credentials/:id/reset", {
      params,
      success: CredentialView,
      error: NotFoundAnswer
    }).annotateMerge(
      OpenApi.annotations({ summary: "Forget failures", description: "Also ends a cooldown, and enables." })
    ),
    HttpApiEndpoint.post("refresh", "/credentials/:id/refresh", {
      params,
      success: CredentialView,
      error: [NotFoundAnswer, RefreshFailedAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Get a new token",
        description: "Whatever the age of the present one. Not for keys, which have nothing to refresh."
      })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Credentials", description: "The upstream accounts that serve." })) {}

/** Whatever key will do: OpenAPI's way to say "one of these". */
const keys = {
  securitySchemes: {
    apiKey: { type: "apiKey", name: "x-api-key", in: "header", description: "An admin key." },
    bearer: { type: "http", scheme: "bearer", description: "An admin key." }
  },
  security: [{ apiKey: [] }, { bearer: [] }]
} as const

const Json = Schema.Record(Schema.String, Schema.Unknown)
const isJson = Schema.is(Json)

/** The whole API. Errors have the shape of the client API's errors. */
export class AdminApi extends HttpApi.make("admin")
  .add(CredentialsGroup)
  .add(IntakeGroup)
  .add(PoolGroup)
  .add(CacheGroup)
  .add(RequestsGroup)
  .add(KeysGroup)
  .add(SettingsGroup)
  .add(MetricsGroup)
  .add(EventsGroup)
  .add(AuditGroup)
  .middleware(AdminAudit)
  .middleware(AdminFaults)
  .middleware(AdminAccess)
  .prefix("/api/admin")
  .annotateMerge(
    OpenApi.annotations({
      title: "Weir admin API",
      version,
      description: "What an operator may see and change of a running gateway. No answer holds a secret.",
      transform: (document) => ({
        ...document,
        security: keys.security,
        components: {
          ...(isJson(document["components"]) ? document["components"] : {}),
          securitySchemes: keys.securitySchemes
        },
        paths: isJson(document["paths"]) ? withoutOwnSecurity(document["paths"]) : {}
      })
    })
  ) {}

/** An operation's own empty list would say that it needs no key. */
const withoutOwnSecurity = (paths: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      !isJson(operations)
        ? operations
        : Object.fromEntries(
            Object.entries(operations).map(([method, operation]) => [
              method,
              isJson(operation) ? { ...operation, security: keys.security } : operation
            ])
          )
    ])
  )
