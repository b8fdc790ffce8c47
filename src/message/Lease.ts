/**
 * A lease: the right to make upstream calls with one credential, held by a Scope until the answer's body has ended.
 */
import type { Redacted } from "effect"
import type { Credential } from "./Credential.ts"
import type { Egress } from "./Egress.ts"
import type { CredentialId } from "./Ids.ts"

/** Why a credential is not eligible now. */
export type Ineligible = "cooldown" | "disabled" | "full" | "model" | "group" | "tried"

/** How many credentials could serve, and how many not for which first reason. */
export type Counts = Record<Ineligible | "eligible", number>

/** Why a credential was chosen, in short, for the log and the ledger. */
export interface Why {
  /** What decided, in a few words. */
  readonly because: string
  readonly counts: Readonly<Counts>
  /** The chosen one, then others that could have served, the best first; at most eight. */
  readonly credentials: ReadonlyArray<CredentialId>
}

export interface Lease {
  readonly credential: Credential
  /** The bearer token of this moment: an access token that is not about to expire, or the API key. */
  readonly token: Redacted.Redacted
  /** The way its calls go out. */
  readonly egress: Egress
  readonly why: Why
}
