/**
 * CredentialRow: how a credential stands in its table, by kind.
 *
 * Columns that end in `_sealed` are opened and sealed here and nowhere else.
 */
import { Effect, Redacted, Schema } from "effect"
import { Health } from "../credential/CredentialStore.ts"
import { type Credential, isSignedIn, secretOf } from "../message/Credential.ts"
import { CredentialId, GroupId, UpstreamId } from "../message/Ids.ts"
import { Instant, Integer } from "./Columns.ts"
import type { Secrets, SecretUnreadable } from "./Secrets.ts"

const Nullable = Schema.NullOr(Schema.String)

const common = {
  id: CredentialId,
  upstream: UpstreamId,
  priority: Integer,
  label: Nullable,
  email: Nullable,
  group_id: Schema.NullOr(GroupId),
  api_region: Nullable,
  profile_arn: Nullable,
  subscription: Nullable,
  proxy_sealed: Nullable
}

const oauth = {
  access_token_sealed: Nullable,
  refresh_token_sealed: Schema.String,
  expires_at: Schema.NullOr(Instant)
}

/** A row by the credential's kind; columns of other kinds are null. */
export const CredentialRow = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("api_key"), ...common, api_key_sealed: Schema.String }),
  Schema.Struct({
    kind: Schema.Literal("anthropic"),
    ...common,
    scheme: Schema.Literals(["api_key", "bearer"]),
    api_key_sealed: Schema.String
  }),
  Schema.Struct({ kind: Schema.Literal("social"), ...common, ...oauth, auth_region: Schema.String }),
  Schema.Struct({
    kind: Schema.Literal("idc"),
    ...common,
    ...oauth,
    auth_region: Schema.String,
    client_id: Schema.String,
    client_secret_sealed: Schema.String
  }),
  Schema.Struct({
    kind: Schema.Literal("external_idp"),
    ...common,
    ...oauth,
    client_id: Schema.String,
    token_endpoint: Nullable,
    issuer_url: Nullable,
    scopes: Nullable,
    audience: Nullable
  })
])
export type CredentialRow = typeof CredentialRow.Type

/** Health as the JSON text of its column. */
export const HealthColumn = Schema.fromJsonString(Schema.toCodecJson(Health))

/** The columns that an operator may change. */
export const ChangeColumns = Schema.Struct({
  priority: Schema.optionalKey(Integer),
  group_id: Schema.optionalKey(Nullable),
  label: Schema.optionalKey(Nullable),
  email: Schema.optionalKey(Nullable),
  profile_arn: Schema.optionalKey(Nullable),
  api_region: Schema.optionalKey(Nullable),
  subscription: Schema.optionalKey(Nullable)
})

/** Where a secret of a credential stands. */
export const placeOf = (id: CredentialId, column: SealedColumnName) => ({ table: "credentials", column, row: id })

type SealedColumnName =
  | "access_token_sealed"
  | "refresh_token_sealed"
  | "client_secret_sealed"
  | "api_key_sealed"
  | "proxy_sealed"

/** A proxy as the text that is sealed: whole, for its password. */
const ProxyText = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ kind: Schema.Literal("direct") }),
    Schema.Struct({
      kind: Schema.Literal("proxy"),
      url: Schema.String,
      username: Nullable,
      password: Schema.NullOr(Schema.RedactedFromValue(Schema.String))
    })
  ])
)
const encodeProxy = Schema.encodeEffect(ProxyText)
const decodeProxy = Schema.decodeEffect(ProxyText)

/** Seals a credential's secrets. */
export const toRow = Effect.fnUntraced(function* (
  secrets: Secrets["Service"],
  credential: Credential
): Effect.fn.Return<CredentialRow> {
  const seal = (column: SealedColumnName, secret: Redacted.Redacted) =>
    secrets.seal(secret, placeOf(credential.id, column))
  const { id, upstream, priority, label, email } = credential
  const shared = {
    id,
    upstream,
    priority,
    label,
    email,
    group_id: credential.group,
    api_region: credential.apiRegion,
    profile_arn: credential.profileArn,
    subscription: credential.subscription,
    proxy_sealed:
      credential.proxy === null
        ? null
        : yield* seal("proxy_sealed", Redacted.make(yield* Effect.orDie(encodeProxy(credential.proxy))))
  }
  if (!isSignedIn(credential)) {
    const api_key_sealed = yield* seal("api_key_sealed", secretOf(credential))
    return credential.kind === "api_key"
      ? { kind: "api_key", ...shared, api_key_sealed }
      : { kind: "anthropic", ...shared, scheme: credential.scheme, api_key_sealed }
  }
  const tokens = {
    access_token_sealed:
      credential.accessToken === null ? null : yield* seal("access_token_sealed", credential.accessToken),
    refresh_token_sealed: yield* seal("refresh_token_sealed", credential.refreshToken),
    expires_at: credential.expiresAt
  }
  switch (credential.kind) {
    case "social":
      return { kind: "social", ...shared, ...tokens, auth_region: credential.authRegion }
    case "idc":
      return {
        kind: "idc",
        ...shared,
        ...tokens,
        auth_region: credential.authRegion,
        client_id: credential.clientId,
        client_secret_sealed: yield* seal("client_secret_sealed", credential.clientSecret)
      }
    case "external_idp":
      return {
        kind: "external_idp",
        ...shared,
        ...tokens,
        client_id: credential.clientId,
        token_endpoint: credential.tokenEndpoint,
        issuer_url: credential.issuerUrl,
        scopes: credential.scopes,
        audience: credential.audience
      }
  }
})

/** Opens a row's secrets. */
export const fromRow = Effect.fnUntraced(function* (
  secrets: Secrets["Service"],
  row: CredentialRow
): Effect.fn.Return<Credential, SecretUnreadable> {
  const open = (column: SealedColumnName, sealed: string) => secrets.open(sealed, placeOf(row.id, column))
  const { id, upstream, priority, label, email, subscription } = row
  const shared = {
    id,
    upstream,
    priority,
    label,
    email,
    subscription,
    group: row.group_id,
    proxy:
      row.proxy_sealed === null
        ? null
        : yield* Effect.orDie(decodeProxy(Redacted.value(yield* open("proxy_sealed", row.proxy_sealed)))),
    apiRegion: row.api_region,
    profileArn: row.profile_arn
  }
  if (row.kind === "api_key" || row.kind === "anthropic") {
    const secret = yield* open("api_key_sealed", row.api_key_sealed)
    return row.kind === "api_key"
      ? { kind: "api_key", ...shared, apiKey: secret }
      : { kind: "anthropic", ...shared, scheme: row.scheme, secret }
  }
  const tokens = {
    accessToken: row.access_token_sealed === null ? null : yield* open("access_token_sealed", row.access_token_sealed),
    refreshToken: yield* open("refresh_token_sealed", row.refresh_token_sealed),
    expiresAt: row.expires_at
  }
  switch (row.kind) {
    case "social":
      return { kind: "social", ...shared, ...tokens, authRegion: row.auth_region }
    case "idc":
      return {
        kind: "idc",
        ...shared,
        ...tokens,
        authRegion: row.auth_region,
        clientId: row.client_id,
        clientSecret: yield* open("client_secret_sealed", row.client_secret_sealed)
      }
    case "external_idp":
      return {
        kind: "external_idp",
        ...shared,
        ...tokens,
        clientId: row.client_id,
        tokenEndpoint: row.token_endpoint,
        issuerUrl: row.issuer_url,
        scopes: row.scopes,
        audience: row.audience
      }
  }
})
