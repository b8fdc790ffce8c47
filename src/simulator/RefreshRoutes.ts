/**
 * RefreshRoutes: new tokens for old: Kiro's own sign-in, AWS SSO OIDC, and an external identity provider.
 *
 * A refresh token is used up only by an answer that gives the next one; a scripted failure leaves it good.
 *
 * **Source:** AWS SSO OIDC `CreateToken`; RFC 6749 section 6; OpenID Connect Discovery 1.0.
 */
import { Effect, Layer, Result, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { answerJson, type Call, perform, serve } from "./Call.ts"
import type { KiroState } from "./KiroState.ts"
import { silent } from "./RuleBook.ts"
import type { RefreshedTokens, RefreshGrant, RefreshRefusal } from "./SimulatedAccount.ts"

/** The routes, for one simulator. */
export const refreshRoutes = (state: KiroState) =>
  Layer.mergeAll(
    HttpRouter.add("POST", "/refreshToken", serve(state, "refresh", refreshWith(readSocial, toSocial))),
    HttpRouter.add("POST", "/token", serve(state, "refresh", refreshWith(readIdc, toIdc))),
    HttpRouter.add("POST", "/oauth2/token", serve(state, "refresh", refreshWith(readForm, toSnakeCase))),
    HttpRouter.add("GET", "/.well-known/openid-configuration", serve(state, "refresh", discover))
  )

const refreshWith = (read: (body: string) => RefreshGrant | null, shape: (tokens: RefreshedTokens) => unknown) =>
  Effect.fnUntraced(function* (call: Call) {
    const grant = read(call.body)
    if (grant === null) return yield* answerOAuthError(call, 400, "invalid_request", "The refresh request is malformed")
    const { accounts } = call.state
    call.sighting.token = grant.refreshToken
    const account = accounts.ownerOf(grant.refreshToken)
    const credentials = [grant.refreshToken, ...(account === null ? [] : [account.name])]
    yield* perform(call, { operation: "refresh", credentials, model: null, prompt: silent }, () => {
      const refreshed = accounts.refresh(grant, call.now)
      return Result.isSuccess(refreshed)
        ? answerJson(call, shape(refreshed.success))
        : refuseGrant(call, refreshed.failure)
    })
  })

const discover = (call: Call): Effect.Effect<void> =>
  answerJson(call, {
    issuer: call.origin,
    token_endpoint: `${call.origin}/oauth2/token`,
    grant_types_supported: ["refresh_token"]
  })

const Social = Schema.fromJsonString(Schema.Struct({ refreshToken: Schema.NonEmptyString }))
const Idc = Schema.fromJsonString(
  Schema.Struct({
    clientId: Schema.NonEmptyString,
    clientSecret: Schema.NonEmptyString,
    refreshToken: Schema.NonEmptyString,
    grantType: Schema.Literal("refresh_token")
  })
)
const decodeSocial = Schema.decodeUnknownResult(Social)
const decodeIdc = Schema.decodeUnknownResult(Idc)

const readSocial = (body: string): RefreshGrant | null => {
  const decoded = decodeSocial(body)
  return Result.isSuccess(decoded) ? { ...decoded.success, clientId: null, clientSecret: null } : null
}

const readIdc = (body: string): RefreshGrant | null => {
  const decoded = decodeIdc(body)
  return Result.isSuccess(decoded) ? decoded.success : null
}

const readForm = (body: string): RefreshGrant | null => {
  const form = new URLSearchParams(body)
  const refreshToken = form.get("refresh_token")
  const clientId = form.get("client_id")
  if (form.get("grant_type") !== "refresh_token" || refreshToken === null || clientId === null) return null
  return { refreshToken, clientId, clientSecret: form.get("client_secret") }
}

const toSocial = ({ accessToken, account, expiresIn, refreshToken }: RefreshedTokens) => ({
  accessToken,
  refreshToken,
  expiresIn,
  ...(account.profileArn === undefined ? {} : { profileArn: account.profileArn })
})

const toIdc = ({ accessToken, expiresIn, refreshToken }: RefreshedTokens) => ({
  accessToken,
  refreshToken,
  expiresIn,
  tokenType: "Bearer"
})

const toSnakeCase = ({ accessToken, expiresIn, refreshToken }: RefreshedTokens) => ({
  access_token: accessToken,
  refresh_token: refreshToken,
  expires_in: expiresIn,
  token_type: "Bearer"
})

const refuseGrant = (call: Call, refusal: RefreshRefusal): Effect.Effect<void> =>
  refusal === "invalid_grant"
    ? answerOAuthError(call, 400, refusal, "Invalid refresh token provided")
    : answerOAuthError(call, 401, refusal, "Invalid client provided")

const answerOAuthError = (call: Call, status: number, error: string, description: string): Effect.Effect<void> => {
  call.sighting.refused = { status, type: error, message: description }
  return call.wire.answer(
    status,
    { "content-type": "application/json" },
    JSON.stringify({ error, error_description: description })
  )
}
