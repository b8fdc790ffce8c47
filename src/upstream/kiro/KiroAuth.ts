/**
 * KiroAuth: new tokens for a signed-in account, by each of its three ways of signing in.
 *
 * **Source:** Kiro's social sign-in service; AWS SSO OIDC `CreateToken`; OAuth 2.0 (RFC 6749 section 6) and OpenID
 * Connect Discovery for an external identity provider.
 */
import { Clock, DateTime, Effect, Redacted, Schema } from "effect"
import { trustedAddress } from "../../config/TokenHost.ts"
import type { ExternalIdpCredential, OAuthCredential, RefreshedTokens } from "../../message/Credential.ts"
import { isWholeRefreshToken } from "../../message/RefreshToken.ts"
import { redact } from "../../telemetry/Redaction.ts"
import type { Sender, DispatchError, DispatchResponse } from "../Dispatch.ts"
import { RefreshFailure } from "../RefreshFailure.ts"
import { address, type KiroEndpoints } from "./KiroEndpoints.ts"

/** What a refresh needs beside the credential. */
export interface KiroAuthOptions {
  readonly endpoints: KiroEndpoints
  /** Hosts to which an external identity provider's secrets may be sent. */
  readonly allowedTokenHosts: ReadonlyArray<string>
  readonly headers: Record<string, string>
}

/** Longest wait for an identity provider. Milliseconds. */
const timeoutMs = 30_000
/** Where the provider does not say how long a token lives. Seconds. */
const defaultLifetime = 3600
/** Longer lives are not believed. Seconds: 400 days. */
const longestLifetime = 400 * 86_400

const member = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const Tokens = Schema.fromJsonString(
  Schema.Struct({
    accessToken: member(Schema.String),
    access_token: member(Schema.String),
    refreshToken: member(Schema.String),
    refresh_token: member(Schema.String),
    expiresIn: member(Schema.Number),
    expires_in: member(Schema.Number),
    profileArn: member(Schema.String)
  })
)
const Refusal = Schema.fromJsonString(
  Schema.Struct({
    error: member(Schema.Unknown),
    error_description: member(Schema.Unknown),
    message: member(Schema.Unknown)
  })
)
const Discovery = Schema.fromJsonString(Schema.Struct({ token_endpoint: Schema.String }))

/** OAuth's errors that no repetition mends. */
const permanent: ReadonlySet<string> = new Set(["invalid_grant", "invalid_client", "unauthorized_client"])

/** New tokens for one credential. The caller stores them before it uses them: refresh tokens are used once. */
export const refresh = Effect.fnUntraced(function* (
  dispatch: Sender,
  credential: OAuthCredential,
  options: KiroAuthOptions
): Effect.fn.Return<RefreshedTokens, RefreshFailure> {
  const token = Redacted.value(credential.refreshToken)
  if (!isWholeRefreshToken(token, credential.kind)) {
    return yield* new RefreshFailure({
      kind: "incomplete",
      status: null,
      detail: "the refresh token looks incomplete; sign in again and import it anew"
    })
  }
  const endpoint = yield* tokenEndpoint(dispatch, credential, options)
  const response = yield* post(dispatch, endpoint, credential, token, options)
  // Whatever a refusal repeats of what was sent, the secrets in it are not told on.
  if (response.status !== 200)
    return yield* refused({ ...response, body: withoutSecrets(response.body, credential, token) })
  const tokens = yield* Schema.decodeEffect(Tokens)(response.body).pipe(
    Effect.mapError(() => failed("refused", response.status, "the answer holds no tokens"))
  )
  const accessToken = tokens.accessToken ?? tokens.access_token
  if (accessToken === undefined || accessToken === null || accessToken === "") {
    return yield* failed("refused", response.status, "the answer holds no access token")
  }
  const refreshToken = tokens.refreshToken ?? tokens.refresh_token ?? ""
  const lifetime = tokens.expiresIn ?? tokens.expires_in ?? defaultLifetime
  const now = yield* Clock.currentTimeMillis
  return {
    accessToken: Redacted.make(accessToken),
    refreshToken: refreshToken === "" ? null : Redacted.make(refreshToken),
    expiresAt: DateTime.makeUnsafe(now + Math.min(Math.max(0, lifetime), longestLifetime) * 1000),
    profileArn: tokens.profileArn ?? null,
    tokenEndpoint: credential.kind === "external_idp" ? endpoint.href : null
  }
})

const post = (dispatch: Sender, url: URL, credential: OAuthCredential, token: string, options: KiroAuthOptions) => {
  const form = credential.kind === "external_idp"
  return dispatch
    .collect({
      url,
      method: "POST",
      headers: {
        ...options.headers,
        accept: "application/json",
        "content-type": form ? "application/x-www-form-urlencoded" : "application/json"
      },
      body: form ? formBody(credential, token) : JSON.stringify(jsonBody(credential, token)),
      headerTimeoutMs: timeoutMs,
      idleTimeoutMs: timeoutMs
    })
    .pipe(Effect.mapError(unreachable))
}

const withoutSecrets = (body: string, credential: OAuthCredential, token: string): string => {
  const secrets = credential.kind === "idc" ? [token, Redacted.value(credential.clientSecret)] : [token]
  return secrets.reduce((text, secret) => (secret === "" ? text : text.replaceAll(secret, "<redacted>")), body)
}

const jsonBody = (credential: Exclude<OAuthCredential, ExternalIdpCredential>, refreshToken: string) =>
  credential.kind === "social"
    ? { refreshToken }
    : {
        clientId: credential.clientId,
        clientSecret: Redacted.value(credential.clientSecret),
        refreshToken,
        grantType: "refresh_token"
      }

const formBody = (credential: ExternalIdpCredential, refreshToken: string): string =>
  new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id: credential.clientId,
    ...(credential.scopes === null ? {} : { scope: credential.scopes }),
    ...(credential.audience === null ? {} : { audience: credential.audience })
  }).toString()

const tokenEndpoint = Effect.fnUntraced(function* (
  dispatch: Sender,
  credential: OAuthCredential,
  options: KiroAuthOptions
): Effect.fn.Return<URL, RefreshFailure> {
  const { endpoints } = options
  if (credential.kind === "social") return address(endpoints.socialRefresh, credential.authRegion)
  if (credential.kind === "idc") return address(endpoints.idcRefresh, credential.authRegion)
  if (credential.tokenEndpoint !== null) return yield* trusted(credential.tokenEndpoint, options)
  if (credential.issuerUrl === null) {
    return yield* failed("refused", null, "the credential names neither tokenEndpoint nor issuerUrl")
  }
  const issuer = yield* trusted(credential.issuerUrl, options)
  const response = yield* dispatch
    .collect({
      url: new URL(`${issuer.href.replace(/\/$/, "")}/.well-known/openid-configuration`),
      method: "GET",
      headers: { ...options.headers, accept: "application/json" },
      body: null,
      headerTimeoutMs: timeoutMs,
      idleTimeoutMs: timeoutMs
    })
    .pipe(Effect.mapError(unreachable))
  if (response.status !== 200) return yield* refused(response)
  const found = yield* Schema.decodeEffect(Discovery)(response.body).pipe(
    Effect.mapError(() => failed("refused", response.status, "the discovery document names no token_endpoint"))
  )
  return yield* trusted(found.token_endpoint, options)
})

/** Refresh tokens go only to https hosts that the operator allowed, whoever named the address. */
const trusted = (url: string, options: KiroAuthOptions): Effect.Effect<URL, RefreshFailure> =>
  Effect.mapError(Effect.fromResult(trustedAddress(url, options.allowedTokenHosts)), (problem) =>
    failed("refused", null, `the token address: ${problem}`)
  )

const refused = (response: DispatchResponse): Effect.Effect<never, RefreshFailure> =>
  Schema.decodeEffect(Refusal)(response.body).pipe(
    Effect.orElseSucceed(() => ({ error: null, error_description: null, message: null })),
    Effect.flatMap((body) => {
      const words = [body.error_description, body.message, body.error].find((word) => typeof word === "string")
      const detail = redact(words ?? `HTTP ${response.status}`)
      const unavailable = response.status === 429 || response.status >= 500
      const kind = unavailable ? "unavailable" : permanent.has(String(body.error)) ? "rejected" : "refused"
      return Effect.fail(failed(kind, response.status, detail))
    })
  )

const unreachable = (error: DispatchError) => failed("unavailable", null, error.message)

const failed = (kind: RefreshFailure["kind"], status: number | null, detail: string) =>
  new RefreshFailure({ kind, status, detail })
