/**
 * A lease: the right to make upstream calls with one credential, held by a Scope until the answer's body has ended.
 */
import { Redacted } from "effect"
import type { Credential } from "./Credential.ts"
import type { Egress } from "./Egress.ts"
import type { Why } from "./Why.ts"

export interface Lease {
  readonly credential: Credential
  /** The bearer token of this moment: an access token that is not about to expire, or the key. */
  readonly token: Redacted.Redacted
  /** The way its calls go out. */
  readonly egress: Egress
  readonly why: Why
}

/** The text with the lease's token taken out, in whatever form it stands there. */
export const withoutToken = (text: string, lease: Lease): string => {
  const token = Redacted.value(lease.token)
  return token === "" ? text : text.replaceAll(token, "<redacted>")
}
