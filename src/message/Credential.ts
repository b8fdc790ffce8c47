/**
 * An upstream credential as it is used: secrets are `Redacted` until the header that needs them.
 *
 * **Source:** the sign-in methods of Kiro (social, IAM Identity Center / Builder ID, external identity provider, API key);
 * the two ways in which Anthropic's API takes a key.
 */
import type { DateTime, Redacted } from "effect"
import type { Egress } from "./Egress.ts"
import type { CredentialId, GroupId, UpstreamId } from "./Ids.ts"

interface Common {
  readonly id: CredentialId
  readonly upstream: UpstreamId
  /** Lower is preferred. */
  readonly priority: number
  readonly label: string | null
  readonly email: string | null
  readonly group: GroupId | null
  /** Region of the API host; absent: from the profile ARN, else the upstream's. */
  readonly apiRegion: string | null
  /** `arn:aws:codewhisperer:REGION:ACCOUNT:profile/ID`; absent for Builder ID and API keys. */
  readonly profileArn: string | null
  /** The way its calls go out where it has one of its own; `direct` is one, too. */
  readonly proxy: Egress | null
  /** The plan's display name as the upstream tells it, e.g. `KIRO PRO+`. */
  readonly subscription: string | null
}

/** Tokens of a signed-in account. `accessToken` null or `expiresAt` null: refresh before use. */
export interface OAuthTokens {
  readonly accessToken: Redacted.Redacted | null
  readonly refreshToken: Redacted.Redacted
  readonly expiresAt: DateTime.Utc | null
}

export interface ApiKeyCredential extends Common {
  readonly kind: "api_key"
  readonly apiKey: Redacted.Redacted
}
/** A key of Anthropic's API, or a bearer token; neither is ever renewed. */
export interface AnthropicCredential extends Common {
  readonly kind: "anthropic"
  /** How it is presented: `x-api-key`, or `Authorization: Bearer`. */
  readonly scheme: "api_key" | "bearer"
  readonly secret: Redacted.Redacted
}
export interface SocialCredential extends Common, OAuthTokens {
  readonly kind: "social"
  readonly authRegion: string
}
export interface IdcCredential extends Common, OAuthTokens {
  readonly kind: "idc"
  readonly authRegion: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
}
export interface ExternalIdpCredential extends Common, OAuthTokens {
  readonly kind: "external_idp"
  readonly clientId: string
  readonly tokenEndpoint: string | null
  readonly issuerUrl: string | null
  readonly scopes: string | null
  readonly audience: string | null
}

/** A credential that signs in and is refreshed. */
export type OAuthCredential = SocialCredential | IdcCredential | ExternalIdpCredential

/** A credential whose secret is presented as it is, for as long as the upstream takes it. */
export type KeyCredential = ApiKeyCredential | AnthropicCredential

/** Any upstream credential. */
export type Credential = KeyCredential | OAuthCredential

/** Whether it signs in and is refreshed; else it is a key. */
export const isSignedIn = (credential: Credential): credential is OAuthCredential =>
  credential.kind === "social" || credential.kind === "idc" || credential.kind === "external_idp"

/** What a key presents. */
export const secretOf = (credential: KeyCredential): Redacted.Redacted =>
  credential.kind === "api_key" ? credential.apiKey : credential.secret

/** What one refresh learned. Members that are null stay as they were. */
export interface RefreshedTokens {
  readonly accessToken: Redacted.Redacted
  readonly refreshToken: Redacted.Redacted | null
  readonly expiresAt: DateTime.Utc
  readonly profileArn: string | null
  readonly tokenEndpoint: string | null
}
