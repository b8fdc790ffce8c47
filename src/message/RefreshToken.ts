/**
 * RefreshToken: whether a refresh token can be a whole one. Tokens copied from where they are shown shortened would be
 * refused by their provider, and that costs the sign-in; they are recognised before.
 */
import type { OAuthCredential } from "./Credential.ts"

/** AWS's and Kiro's own sign-ins give out no shorter ones; what an identity provider's look like is its own affair. */
const shortest: Readonly<Record<OAuthCredential["kind"], number>> = { social: 100, idc: 100, external_idp: 1 }

/** False for one that is too short, or that holds the `...` of a shortened text. */
export const isWholeRefreshToken = (token: string, kind: OAuthCredential["kind"]): boolean =>
  token.length >= shortest[kind] && !token.includes("...")
