/**
 * SimulatedAccount: whom the simulator knows: accounts, their tokens, and the refreshing of them.
 *
 * Refresh tokens are used once: a refresh retires the old one and gives a new one. Without configured accounts every
 * bearer token and every new refresh token is welcome, and still no refresh token twice.
 *
 * **Source:** AWS SSO OIDC `CreateToken`, RFC 6749 section 6, and the refresh endpoint of Kiro's own sign-in.
 */
import { Result, Schema } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { type AwsError, invalidBearer } from "./AwsError.ts"

/** Tokens kept, of each kind; past this the oldest are forgotten. */
const MAX_TOKENS = 100_000
const DEFAULT_LIFETIME_SECONDS = 3_600

/** One account. An API key never expires; an access token does. */
export const Account = Schema.Struct({
  name: Schema.NonEmptyString,
  apiKey: Schema.optionalKey(Schema.String),
  accessToken: Schema.optionalKey(Schema.String),
  refreshToken: Schema.optionalKey(Schema.String),
  /** Where given, a refresh by AWS SSO or an external provider must present them. */
  clientId: Schema.optionalKey(Schema.String),
  clientSecret: Schema.optionalKey(Schema.String),
  /** Where given, `ListAvailableProfiles` tells it and requests with another one are refused. */
  profileArn: Schema.optionalKey(Schema.String),
  /** Model ids this account may use; absent: all. */
  models: Schema.optionalKey(Schema.Array(Schema.String)),
  email: Schema.optionalKey(Schema.String),
  subscription: Schema.optionalKey(Schema.String),
  /** Credits a month; once used up, calls are refused. Absent: no limit, shown as 1,000. */
  creditLimit: Schema.optionalKey(Schema.Finite),
  creditsUsed: Schema.optionalKey(Schema.Finite),
  /** Lifetime of access tokens, in seconds. */
  expiresIn: Schema.optionalKey(Schema.Int)
})
export type Account = typeof Account.Type

/** Who is calling: the account, or for a token nobody configured one made up from the token. */
export interface Caller {
  readonly token: string
  readonly account: Account
}

/** What a refresh is asked with; members that the endpoint does not have are null. */
export interface RefreshGrant {
  readonly refreshToken: string
  readonly clientId: string | null
  readonly clientSecret: string | null
}

export interface RefreshedTokens {
  readonly account: Account
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresIn: number
}

/** Why a refresh is refused, in OAuth's words. */
export type RefreshRefusal = "invalid_grant" | "invalid_client"

interface AccessToken {
  readonly account: Account
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** All accounts of one simulator, and every token they were given. */
export class SimulatedAccounts {
  readonly #open: boolean
  readonly #access = new Map<string, AccessToken>()
  /** Null: retired. */
  readonly #refresh = new Map<string, Account | null>()
  readonly #presented = new Map<string, number>()
  readonly #credits = new Map<string, number>()

  constructor(accounts: ReadonlyArray<Account>) {
    this.#open = accounts.length === 0
    for (const account of accounts) {
      for (const token of [account.apiKey, account.accessToken]) {
        if (token !== undefined) put(this.#access, token, { account, expiresAt: Number.POSITIVE_INFINITY })
      }
      if (account.refreshToken !== undefined) put(this.#refresh, account.refreshToken, account)
    }
  }

  /** Who presents this `authorization` header, or the refusal. */
  authenticate(
    authorization: string | undefined,
    tokenType: string | undefined,
    now: number
  ): Result.Result<Caller, AwsError> {
    const token = /^Bearer (\S+)$/.exec(authorization ?? "")?.[1]
    if (token === undefined) return Result.fail(invalidBearer("no bearer token"))
    const known = this.#access.get(token)
    if (known === undefined && !this.#open) return Result.fail(invalidBearer("unknown token"))
    if (known !== undefined && known.expiresAt <= now) return Result.fail(invalidBearer("expired token"))
    if (token.startsWith("ksk_") !== (tokenType === "API_KEY")) {
      return Result.fail(invalidBearer("header tokentype must be API_KEY for API keys, and only for those"))
    }
    return Result.succeed({ token, account: known?.account ?? stranger(token) })
  }

  /** Whose refresh token this is, if anyone's. */
  ownerOf(refreshToken: string): Account | null {
    return this.#refresh.get(refreshToken) ?? this.#welcome(refreshToken)
  }

  /** Uses up a refresh token. */
  refresh(grant: RefreshGrant, now: number): Result.Result<RefreshedTokens, RefreshRefusal> {
    put(this.#presented, grant.refreshToken, (this.#presented.get(grant.refreshToken) ?? 0) + 1)
    const account = this.ownerOf(grant.refreshToken)
    if (account === null) return Result.fail("invalid_grant")
    if (differs(account.clientId, grant.clientId) || differs(account.clientSecret, grant.clientSecret)) {
      return Result.fail("invalid_client")
    }
    const expiresIn = account.expiresIn ?? DEFAULT_LIFETIME_SECONDS
    const accessToken = `access-${account.name}-${randomUUID()}`
    const refreshToken = `refresh-${account.name}-${randomUUID()}-`.padEnd(120, "0")
    put(this.#refresh, grant.refreshToken, null)
    put(this.#refresh, refreshToken, account)
    put(this.#access, accessToken, { account, expiresAt: now + expiresIn * 1_000 })
    return Result.succeed({ account, accessToken, refreshToken, expiresIn })
  }

  /** From now on this access token is refused. */
  expire(token: string): void {
    put(this.#access, token, { account: this.#access.get(token)?.account ?? stranger(token), expiresAt: 0 })
  }

  /** How often each refresh token was presented. */
  presented(): ReadonlyMap<string, number> {
    return new Map(this.#presented)
  }

  /** Adds what a call has cost. */
  charge(account: Account, credits: number): void {
    put(this.#credits, account.name, this.creditsUsed(account) + credits)
  }

  creditsUsed(account: Account): number {
    return this.#credits.get(account.name) ?? account.creditsUsed ?? 0
  }

  #welcome(refreshToken: string): Account | null {
    return this.#open && !this.#refresh.has(refreshToken) ? stranger(refreshToken) : null
  }
}

const differs = (wanted: string | undefined, given: string | null): boolean =>
  wanted !== undefined && given !== null && wanted !== given

/** The account of a token nobody configured: the same for the same token. */
const stranger = (token: string): Account => ({
  name: `account-${createHash("sha256").update(token).digest("hex").slice(0, 8)}`
})

/** Sets and, past the bound, forgets what was set first. */
const put = <K, V>(map: Map<K, V>, key: K, value: V): void => {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MAX_TOKENS) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
