/**
 * TokenRefresh: an access token that is good now, with at most one refresh at a time for each credential.
 *
 * A refresh runs in the pool's scope, not in the request's, and is not interrupted between the provider's answer and the
 * store: nobody who goes away can lose a rotated token. The rotated token is in the store before anybody uses it, and
 * results are merged into the credential as it is then.
 *
 * **Gotchas**: where storing fails, the new tokens wait in memory and are stored at the next use: the provider no longer
 * takes the old ones. Until then nobody gets a token of this credential but the present one, while it is good.
 */
import { Clock, DateTime, Duration, Effect, Redacted, Schedule, type Scope } from "effect"
import {
  type Credential,
  isSignedIn,
  type OAuthCredential,
  type RefreshedTokens,
  secretOf
} from "../message/Credential.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"
import { RefreshFailure } from "../upstream/RefreshFailure.ts"
import { isDisabled, type PoolEntry } from "./PoolEntry.ts"
import * as SingleFlight from "./SingleFlight.ts"

/** A token that expires within this time is refreshed before use. */
export const refreshAhead = Duration.minutes(5)

/** Well before that, in the background, so that no request has to wait. */
const refreshEarly = Duration.minutes(10)
/** How often is looked for tokens that expire. */
const lookEvery = Duration.seconds(30)
/** A credential that has not been used for so long is refreshed when it is used again. */
const unused = Duration.days(1)
/** Refreshes at a time in the background. */
const atATime = 4

/** What a refresh needs of its surroundings. */
export interface TokenRefreshOptions {
  /** Must end by itself; nobody interrupts it. */
  readonly refresh: (credential: OAuthCredential) => Effect.Effect<RefreshedTokens, RefreshFailure>
  /** Durable when it returns. */
  readonly store: (entry: PoolEntry, tokens: RefreshedTokens) => Effect.Effect<void, StorageError>
  /** Called once for each refresh that ended, whoever waits for it. */
  readonly report: (entry: PoolEntry, failure: RefreshFailure | null) => Effect.Effect<void>
}

export interface TokenRefresh {
  /** The token to use now; waits for a refresh only where the stored one is about to expire. */
  readonly token: (entry: PoolEntry) => Effect.Effect<Redacted.Redacted, RefreshFailure>
  /**
   * A token other than `rejected`, which the upstream no longer takes. Where another request has refreshed meanwhile,
   * that token is the answer and no refresh is made.
   */
  readonly replace: (entry: PoolEntry, rejected: Redacted.Redacted) => Effect.Effect<Redacted.Redacted, RefreshFailure>
  /** The same where the token will expire before long; for the background. */
  readonly early: (entry: PoolEntry) => Effect.Effect<void, RefreshFailure>
  /** New tokens whatever the age of the present ones. */
  readonly force: (entry: PoolEntry) => Effect.Effect<void, RefreshFailure>
}

export const make = (options: TokenRefreshOptions): Effect.Effect<TokenRefresh, never, Scope.Scope> =>
  Effect.gen(function* () {
    // Tokens that could not be stored yet. Bounded by the number of credentials.
    const unstored = new Map<PoolEntry, RefreshedTokens>()
    yield* Effect.addFinalizer(() =>
      Effect.forEach([...unstored], ([entry, tokens]) => keep(entry, tokens), { discard: true }).pipe(
        Effect.catch((error) => Effect.logError("Renewed tokens are lost: they could not be stored", error))
      )
    )
    const once = yield* SingleFlight.make<CredentialId, Redacted.Redacted, RefreshFailure>()

    const keep = Effect.fnUntraced(function* (entry: PoolEntry, tokens: RefreshedTokens) {
      unstored.set(entry, tokens)
      yield* options
        .store(entry, tokens)
        .pipe(
          Effect.mapError((error) => new RefreshFailure({ kind: "unavailable", status: null, detail: error.message }))
        )
      unstored.delete(entry)
      entry.credential = merged(entry.credential, tokens)
      if (tokens.profileArn !== null) entry.profileDueAt = null
    })

    const renew = Effect.fnUntraced(
      function* (entry: PoolEntry, serves: Serves) {
        const waiting = unstored.get(entry)
        if (waiting !== undefined) yield* keep(entry, waiting)
        // Read only now: another refresh may have ended since the caller looked.
        const credential = entry.credential
        if (!isSignedIn(credential)) return yield* notRefreshable
        const present = serves(credential, yield* Clock.currentTimeMillis)
        if (present !== null) return present
        const tokens = yield* options.refresh(credential)
        yield* keep(entry, tokens)
        if (DateTime.toEpochMillis(tokens.expiresAt) <= (yield* Clock.currentTimeMillis)) {
          return yield* new RefreshFailure({
            kind: "refused",
            status: null,
            detail: "the new token has expired already"
          })
        }
        yield* options.report(entry, null)
        return tokens.accessToken
      },
      (effect, entry) =>
        effect.pipe(
          Effect.tapError((failure) => options.report(entry, failure)),
          Effect.uninterruptible
        )
    )

    /** The present token where it serves; otherwise the one of the refresh that is under way or begins now. */
    const obtain = (entry: PoolEntry, serves: Serves): Effect.Effect<Redacted.Redacted, RefreshFailure> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const credential = entry.credential
        if (!isSignedIn(credential)) return notRefreshable
        const present = serves(credential, now)
        return present === null ? once(credential.id, renew(entry, serves)) : Effect.succeed(present)
      })

    return {
      token: (entry) =>
        Effect.suspend(() =>
          isSignedIn(entry.credential) ? obtain(entry, fresh) : Effect.succeed(secretOf(entry.credential))
        ),
      replace: (entry, rejected) => {
        const other: Serves = ({ accessToken }) => (same(accessToken, rejected) ? null : accessToken)
        return Effect.flatMap(obtain(entry, other), (token) => {
          if (!same(token, rejected)) return Effect.succeed(token)
          return Effect.fail(
            new RefreshFailure({ kind: "refused", status: null, detail: "the provider gave the rejected token again" })
          )
        })
      },
      early: (entry) => Effect.asVoid(obtain(entry, freshEarly)),
      force: (entry) =>
        Effect.suspend(() => {
          const { credential } = entry
          const seen = isSignedIn(credential) ? credential.accessToken : null
          return Effect.asVoid(obtain(entry, ({ accessToken }) => (accessToken === seen ? null : accessToken)))
        })
    }
  })

/** The credential's present token where it will do, or null. */
type Serves = (credential: OAuthCredential, now: number) => Redacted.Redacted | null

const freshFor =
  (time: Duration.Duration): Serves =>
  ({ accessToken, expiresAt }, now) =>
    expiresAt !== null && DateTime.toEpochMillis(expiresAt) > now + Duration.toMillis(time) ? accessToken : null

const fresh = freshFor(refreshAhead)
const freshEarly = freshFor(refreshEarly)

/** Whether it has a token that needs no refresh now. @param now milliseconds since the epoch */
export const isFresh = ({ credential }: PoolEntry, now: number): boolean =>
  !isSignedIn(credential) || fresh(credential, now) !== null

/** Refreshes tokens before they expire, for as long as it runs, of credentials that are in use. */
export const keepFresh = (tokens: TokenRefresh, entries: Iterable<PoolEntry>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const now = yield* DateTime.now
    const isDue = ({ credential, health }: PoolEntry) =>
      isSignedIn(credential) &&
      freshEarly(credential, DateTime.toEpochMillis(now)) === null &&
      !isDisabled(health, now) &&
      health.lastUsedAt !== null &&
      Duration.isLessThan(DateTime.distance(health.lastUsedAt, now), unused)
    const due = [...entries].filter(isDue)
    yield* Effect.forEach(due, (entry) => Effect.ignore(tokens.early(entry)), { concurrency: atATime, discard: true })
  }).pipe(Effect.repeat(Schedule.spaced(lookEvery)), Effect.asVoid)

const same = (a: Redacted.Redacted | null, b: Redacted.Redacted): boolean =>
  a !== null && Redacted.value(a) === Redacted.value(b)

const notRefreshable = Effect.suspend(() =>
  Effect.fail(new RefreshFailure({ kind: "refused", status: null, detail: "a key has no refresh" }))
)

const merged = (credential: Credential, tokens: RefreshedTokens): Credential =>
  isSignedIn(credential)
    ? {
        ...credential,
        accessToken: tokens.accessToken,
        refreshToken: tokens.refreshToken ?? credential.refreshToken,
        expiresAt: tokens.expiresAt,
        profileArn: tokens.profileArn ?? credential.profileArn,
        ...(credential.kind === "external_idp"
          ? { tokenEndpoint: tokens.tokenEndpoint ?? credential.tokenEndpoint }
          : {})
      }
    : credential
