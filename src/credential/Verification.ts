/**
 * Verification: whether a credential that is not in the pool yet would serve: a signed-in one by one refresh, a key by
 * listing models once.
 *
 * The refresh may have spent the token that the credential came with. What it brought stands in the answer, which is to
 * be stored before anything else is done with it.
 */
import { Effect } from "effect"
import { type Credential, isSignedIn } from "../message/Credential.ts"
import type { RefreshFailure } from "../upstream/RefreshFailure.ts"
import { failure, type UpstreamFailure } from "../upstream/UpstreamFailure.ts"
import { type Health, untouched } from "./CredentialStore.ts"
import { makeEntry, type PoolEntry } from "./PoolEntry.ts"
import type { TokenRefresh } from "./TokenRefresh.ts"

/** What came of it. */
export interface Verified {
  /** With the tokens that it has now. */
  readonly credential: Credential
  /** What was learnt of it: one that the identity provider no longer takes is disabled. */
  readonly health: Health
  /** Null: it would serve. */
  readonly failure: RefreshFailure | UpstreamFailure | null
}

/** What is asked. */
export interface VerificationOptions {
  readonly tokens: Pick<TokenRefresh, "force">
  /** Asks with an entry's own secret, the way that its calls would go. */
  readonly list: (entry: PoolEntry) => Effect.Effect<unknown, RefreshFailure | UpstreamFailure>
}

/** Longest time for a key to show that it is taken. */
const patience = "30 seconds"

/** A refresh is not interrupted: nobody who goes away can lose a rotated token. */
export const verify = (credential: Credential, { list, tokens }: VerificationOptions): Effect.Effect<Verified> => {
  // Stands in no pool, so that no request comes to it and nothing of it is stored.
  const entry = makeEntry(credential, untouched, 0, false)
  const asked: Effect.Effect<unknown, RefreshFailure | UpstreamFailure> = isSignedIn(credential)
    ? tokens.force(entry)
    : list(entry).pipe(
        Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(tookLong) }),
        // Listing spends nothing.
        Effect.interruptible
      )
  return asked.pipe(
    Effect.match({ onSuccess: () => null, onFailure: (failure) => failure }),
    Effect.map((failure): Verified => ({ credential: entry.credential, health: entry.health, failure })),
    Effect.uninterruptible
  )
}

const tookLong = failure("timeout", "upstream", "the upstream did not answer in time")

/** Why it would not serve, without the other side's own words: those are in the log. */
export const whyNot = (failure: RefreshFailure | UpstreamFailure): string =>
  failure._tag === "RefreshFailure" ? refreshFailures[failure.kind] : `the upstream: ${failure.reason.kind}`

/** What became of a refresh. */
export const refreshFailures = {
  rejected: "the identity provider no longer takes this credential; only a new sign-in helps",
  incomplete: "the stored refresh token is not whole; only a new sign-in helps",
  refused: "the identity provider refused the refresh",
  unavailable: "no new token: the identity provider could not be reached or had a fault of its own"
} as const satisfies Readonly<Record<RefreshFailure["kind"], string>>
