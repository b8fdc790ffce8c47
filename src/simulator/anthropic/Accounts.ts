/**
 * Accounts: whom the API knows, and how a caller says who it is.
 *
 * A key comes as `x-api-key` or as a bearer token, never as both. A token of a sign-in, `sk-ant-oat…`, comes as a bearer
 * token only, together with the beta for it. Without configured accounts every key is welcome, and each is an account of
 * its own.
 *
 * **Source:** Anthropic's documentation of authentication; headers that clients were recorded to send.
 */
import { Result, Schema } from "effect"
import { createHash } from "node:crypto"
import { type ApiError, unauthenticated } from "./ApiError.ts"

/** One account. */
export const Account = Schema.Struct({
  token: Schema.NonEmptyString,
  /** @default made up from the token */
  name: Schema.optionalKey(Schema.NonEmptyString),
  /** What `anthropic-organization-id` says. @default made up from the token */
  organization: Schema.optionalKey(Schema.NonEmptyString),
  /** Model ids this account may use, with their dates where they have some. @default all */
  models: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Headers of every answer to it; null: not that one. */
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.NullOr(Schema.String)))
})
export type Account = typeof Account.Type

/** A known caller. */
export interface Caller {
  readonly token: string
  readonly account: Account
  readonly name: string
  readonly organization: string
}

/** The headers a caller is known by. */
export interface Presented {
  readonly apiKey: string | undefined
  readonly authorization: string | undefined
  readonly betas: ReadonlyArray<string>
}

/** The key that was presented, if any; of two, the one of `x-api-key`. */
export const tokenOf = ({ apiKey, authorization }: Presented): string | null =>
  apiKey ?? /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1] ?? null

/** Who presents these headers, or the refusal. With no accounts, everyone is welcome. */
export const authenticate = (
  accounts: ReadonlyArray<Account>,
  presented: Presented
): Result.Result<Caller, ApiError> => {
  const { apiKey, authorization, betas } = presented
  const token = tokenOf(presented)
  if (apiKey !== undefined && authorization !== undefined) {
    return Result.fail(unauthenticated("x-api-key and authorization headers must not both be given"))
  }
  if (token === null) {
    return Result.fail(unauthenticated(authorization === undefined ? "x-api-key header is required" : BEARER))
  }
  const account = accounts.length === 0 ? { token } : accounts.find((each) => each.token === token)
  if (apiKey !== undefined && (account === undefined || token.startsWith("sk-ant-oat"))) {
    return Result.fail(unauthenticated("invalid x-api-key"))
  }
  if (account === undefined) return Result.fail(unauthenticated(BEARER))
  if (token.startsWith("sk-ant-oat") && !betas.some((beta) => beta.startsWith("oauth-"))) {
    return Result.fail(unauthenticated("OAuth authentication is currently not supported."))
  }
  return Result.succeed(callerOf(account))
}

const BEARER = "Invalid bearer token"

const callerOf = (account: Account): Caller => {
  const digest = createHash("sha256").update(account.token).digest("hex")
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `4${digest.slice(13, 16)}`, `a${digest.slice(17, 20)}`]
  return {
    token: account.token,
    account,
    name: account.name ?? `account-${digest.slice(0, 8)}`,
    organization: account.organization ?? [...parts, digest.slice(20, 32)].join("-")
  }
}
