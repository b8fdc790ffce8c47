/**
 * TokenRefresh: an access token that is good now, with at most one refresh at a time for each credential.
 *
 * A refresh runs in the pool's scope, not in the request's: a client that goes away cannot lose a rotated token. The
 * rotated token is in the store before anybody uses it, and results are merged into the credential as it is then.
 */
import { Clock, DateTime, Duration, Effect, Fiber, FiberMap, Redacted, type Scope } from "effect"
import type { OAuthCredential, RefreshedTokens } from "../message/Credential.ts"
import type { CredentialId } from "../message/Ids.ts"
import type { StorageError } from "../message/StorageError.ts"
import { RefreshFailure } from "../upstream/RefreshFailure.ts"
import type { PoolEntry } from "./PoolEntry.ts"

/** A token that expires within this time is refreshed before use. */
export const refreshAhead = Duration.minutes(5)

/** What a refresh needs of its surroundings. */
export interface TokenRefreshOptions {
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
  /** New tokens whatever the age of the present ones. */
  readonly force: (entry: PoolEntry) => Effect.Effect<void, RefreshFailure>
}

export const make = (options: TokenRefreshOptions): Effect.Effect<TokenRefresh, never, Scope.Scope> =>
  Effect.gen(function* () {
    const running = yield* FiberMap.make<CredentialId, Redacted.Redacted, RefreshFailure>()

    const renew = Effect.fnUntraced(
      function* (entry: PoolEntry, credential: OAuthCredential) {
        const tokens = yield* options.refresh(credential)
        yield* options
          .store(entry, tokens)
          .pipe(
            Effect.mapError((error) => new RefreshFailure({ kind: "unavailable", status: null, detail: error.message }))
          )
        entry.credential = merged(entry.credential, tokens)
        return tokens.accessToken
      },
      (effect, entry) =>
        Effect.tapError(effect, (failure) => options.report(entry, failure)).pipe(
          Effect.tap(() => options.report(entry, null))
        )
    )

    const shared = (entry: PoolEntry, credential: OAuthCredential) =>
      FiberMap.run(running, credential.id, renew(entry, credential), { onlyIfMissing: true }).pipe(
        Effect.flatMap(Fiber.join)
      )

    return {
      token: (entry) =>
        Effect.suspend(() => {
          const credential = entry.credential
          if (credential.kind === "api_key") return Effect.succeed(credential.apiKey)
          return Effect.flatMap(Clock.currentTimeMillis, (now) =>
            credential.accessToken !== null && isFresh(credential, now)
              ? Effect.succeed(credential.accessToken)
              : shared(entry, credential)
          )
        }),
      replace: (entry, rejected) =>
        Effect.suspend(() => {
          const credential = entry.credential
          if (credential.kind === "api_key") {
            return Effect.fail(
              new RefreshFailure({ kind: "refused", status: null, detail: "an API key has no refresh" })
            )
          }
          const present = credential.accessToken
          return present !== null && Redacted.value(present) !== Redacted.value(rejected)
            ? Effect.succeed(present)
            : shared(entry, credential)
        }),
      force: (entry) =>
        Effect.suspend(() => {
          const credential = entry.credential
          return credential.kind === "api_key"
            ? Effect.fail(new RefreshFailure({ kind: "refused", status: null, detail: "an API key has no refresh" }))
            : Effect.asVoid(shared(entry, credential))
        })
    }
  })

const isFresh = (credential: OAuthCredential, now: number): boolean =>
  credential.expiresAt !== null && DateTime.toEpochMillis(credential.expiresAt) > now + Duration.toMillis(refreshAhead)

const merged = (credential: PoolEntry["credential"], tokens: RefreshedTokens): PoolEntry["credential"] =>
  credential.kind === "api_key"
    ? credential
    : {
        ...credential,
        accessToken: tokens.accessToken,
        refreshToken: tokens.refreshToken ?? credential.refreshToken,
        expiresAt: tokens.expiresAt,
        profileArn: tokens.profileArn ?? credential.profileArn,
        ...(credential.kind === "external_idp"
          ? { tokenEndpoint: tokens.tokenEndpoint ?? credential.tokenEndpoint }
          : {})
      }
