/**
 * KiroHttp: the headers of Kiro's operations and how their HTTP failures read.
 *
 * Weir says who it is: no imitation of another program, no machine ids.
 *
 * **Source:** AWS's published `codewhisperer-streaming` and `codewhisperer-runtime` models.
 */
import { Clock, Effect, Redacted } from "effect"
import { type Lease, withoutToken } from "../../message/Lease.ts"
import type { DispatchResponse, ResponseHead } from "../Dispatch.ts"
import { UpstreamFailure } from "../UpstreamFailure.ts"
import type { KiroEndpoints } from "./KiroEndpoints.ts"
import { classify } from "./KiroFailure.ts"

/** How this upstream is reached. */
export interface KiroOptions {
  readonly endpoints: KiroEndpoints
  /** The operator's own headers; they win over ours. */
  readonly headers: Record<string, string>
  readonly allowedTokenHosts: ReadonlyArray<string>
  /** Weir's version, for `user-agent`. */
  readonly version: string
}

/** Headers of every call made with a credential. */
export const headersOf = (lease: Lease, options: KiroOptions): Record<string, string> => {
  const { kind } = lease.credential
  return {
    "user-agent": `weir/${options.version}`,
    accept: "*/*",
    authorization: `Bearer ${Redacted.value(lease.token)}`,
    ...(kind === "api_key" ? { tokentype: "API_KEY" } : kind === "external_idp" ? { tokentype: "EXTERNAL_IDP" } : {}),
    ...own(options)
  }
}

/** The operator's headers under the names that ours have, so that none goes out twice. */
const own = ({ headers }: KiroOptions): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** Headers of `GenerateAssistantResponse`; asks that content is not used for the service's improvement. */
export const generateHeaders = (lease: Lease, options: KiroOptions): Record<string, string> => ({
  "content-type": "application/json",
  "x-amzn-kiro-agent-mode": "vibe",
  "x-amzn-codewhisperer-optout": "true",
  ...headersOf(lease, options)
})

/** Headers of the operations that carry the profile in a header instead of the body. */
export const profileHeaders = (lease: Lease, options: KiroOptions): Record<string, string> => {
  const { profileArn } = lease.credential
  return {
    "content-type": "application/json",
    ...(profileArn === null ? {} : { "x-amzn-kiro-profile-arn": profileArn }),
    ...headersOf(lease, options)
  }
}

/** Whether a response is an event stream; a 200 with anything else is an error in disguise. */
export const isEventStream = (head: ResponseHead): boolean => {
  const type = (head.headers["content-type"] ?? "").toLowerCase()
  return head.status === 200 && (type.includes("eventstream") || !type.includes("json"))
}

/** A response that is not what was asked for. Whatever it repeats, the token is not told on. */
export const rejected = (
  { body, headers, status }: DispatchResponse,
  lease: Lease
): Effect.Effect<never, UpstreamFailure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.fail(new UpstreamFailure({ reason: classify(status, headers, withoutToken(body, lease), now) }))
  )
