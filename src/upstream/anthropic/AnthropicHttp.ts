/**
 * AnthropicHttp: what is sent to Anthropic's API for a client: its own headers and body, under the credential's name.
 *
 * A client's headers go on but for those that are about this connection, about who the client is to this gateway, or about
 * how the answer is packed. Nothing is made up: the program that asks is the client, and `via` tells of the gateway.
 *
 * **Source:** RFC 9110, 7.6.1 (`connection`) and 7.6.3 (`via`); Anthropic API, authentication.
 */
import { Clock, Effect, Redacted } from "effect"
import { withMembers } from "../../codec/JsonText.ts"
import { type Lease, withoutToken } from "../../message/Lease.ts"
import type { DispatchResponse } from "../Dispatch.ts"
import { UpstreamFailure } from "../UpstreamFailure.ts"
import type { UpstreamCall } from "../UpstreamProvider.ts"
import { classify } from "./AnthropicFailure.ts"

/** How this upstream is reached. */
export interface AnthropicOptions {
  /** Address of the API, without `/v1`. */
  readonly baseUrl: URL
  /** Weir's version, for calls of its own. */
  readonly version: string
}

/** Where a path of the API is. @param query with its question mark, or empty */
export const addressOf = ({ baseUrl }: AnthropicOptions, path: string, query = ""): URL =>
  new URL(`${baseUrl.origin}${baseUrl.pathname.replace(/\/+$/, "")}${path}${query}`)

/** About one connection, by RFC 9110 and by custom. */
const ofTheConnection = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "host",
  "expect",
  "content-length"
]
/** About the client as this gateway and what stands before it know it. */
const ofTheClient = [
  "authorization",
  "x-api-key",
  "cookie",
  "origin",
  "referer",
  "forwarded",
  "x-real-ip",
  "x-client-ip",
  "true-client-ip",
  "cf-connecting-ip"
]
/** Bytes that are read on the way must not be packed. */
const ofPacking = ["accept-encoding", "content-encoding"]

const dropped: ReadonlySet<string> = new Set([...ofTheConnection, ...ofTheClient, ...ofPacking])

/** What proxies in front say of who the client is. */
const ofProxies =
  /^(?:x-forwarded-|x-original-|x-auth-request-|x-amzn-oidc-|x-goog-|x-ms-client-|cf-|tailscale-|remote-)/

/** The headers of a client's request that its upstream gets. */
export const passedOn = (headers: Readonly<Record<string, string>>): Record<string, string> => {
  const named = new Set((headers["connection"] ?? "").split(",").map((name) => name.trim().toLowerCase()))
  const { via, ...others } = headers
  return {
    ...Object.fromEntries(
      Object.entries(others).filter(([name]) => !dropped.has(name) && !named.has(name) && !ofProxies.test(name))
    ),
    via: via === undefined ? "1.1 weir" : `${via}, 1.1 weir`
  }
}

/** Headers of calls that no client made. */
export const ownHeaders = ({ version }: AnthropicOptions): Record<string, string> => ({
  "user-agent": `weir/${version}`,
  "anthropic-version": "2023-06-01",
  accept: "application/json",
  // Without it any coding would do.
  "accept-encoding": "identity"
})

/** The one header that the credential is presented in. */
export const credentialHeader = ({ credential, token }: Lease): Record<string, string> =>
  credential.kind === "anthropic" && credential.scheme === "bearer"
    ? { authorization: `Bearer ${Redacted.value(token)}` }
    : { "x-api-key": Redacted.value(token) }

/** Headers of a client's call: the client's own, as far as they go on, and the credential's. */
export const headersOf = (
  original: UpstreamCall["original"],
  lease: Lease,
  options: AnthropicOptions
): Record<string, string> => ({
  ...ownHeaders(options),
  "content-type": "application/json",
  ...(original === null ? {} : passedOn(original.headers)),
  ...credentialHeader(lease)
})

/** The body as the client wrote it, with what policy has changed. Byte for byte the same where it changed nothing. */
export const bodyOf = ({ changes, original, request }: Pick<UpstreamCall, "changes" | "original" | "request">) => {
  if (original === null) return JSON.stringify({ ...request, ...changes })
  if (Object.keys(changes).length === 0) return original.body
  const text = decoder.decode(original.body)
  return withMembers(text, [], changes) ?? text
}

const decoder = new TextDecoder()

/** An answer that is none. Whatever it repeats, the credential is not told on. */
export const rejected = (
  { body, headers, status }: DispatchResponse,
  lease: Lease
): Effect.Effect<never, UpstreamFailure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.fail(new UpstreamFailure({ reason: classify(status, headers, withoutToken(body, lease), now) }))
  )
