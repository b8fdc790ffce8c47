/**
 * TokenHost: which addresses a refresh token may be sent to. Whoever names the address (an imported row, a discovery
 * document), the operator's list decides.
 */
import { Result, Schema } from "effect"

/** A host name of `upstreams[].allowedTokenHosts`: no scheme, no port, no wildcard. */
export const TokenHost = Schema.String.check(
  Schema.isPattern(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/u, {
    expected: `a host name in lower case such as "idp.example.com"`
  })
)

/**
 * The address, if it is https, without user info, and its host is in the list. Fails with what is wrong, naming the host
 * and nothing else of the address.
 */
export const trustedAddress = (address: string, allowed: ReadonlyArray<string>): Result.Result<URL, string> => {
  if (address.length > 2048 || !URL.canParse(address)) return Result.fail("is not an address")
  const url = new URL(address)
  if (url.protocol !== "https:") return Result.fail("must be https")
  if (url.username !== "" || url.password !== "") return Result.fail("must not hold a user name or password")
  return allowed.includes(url.hostname)
    ? Result.succeed(url)
    : Result.fail(`the host ${url.hostname} is not in allowedTokenHosts`)
}
