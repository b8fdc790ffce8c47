/**
 * A lease: the right to make upstream calls with one credential, held by a Scope until the answer's body has ended.
 */
import type { Redacted } from "effect"
import type { Credential } from "./Credential.ts"

export interface Lease {
  readonly credential: Credential
  /** The bearer token of this moment: an access token that is not about to expire, or the API key. */
  readonly token: Redacted.Redacted
  /** Why this credential was chosen, in a few words for the log and the ledger. */
  readonly because: string
}
