/**
 * AllowedHosts: under which names an operator's pages answer.
 *
 * A web page of anybody's can make its own name resolve to this machine and then read what a browser here gets from it
 * (DNS rebinding). Such a request carries the page's name in its Host header, so only names that are known are served.
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { isLoopback } from "../config/HttpAddress.ts"
import { fail } from "./Answer.ts"
import { type ErrorAnswer } from "../exchange/ErrorAnswer.ts"

/** The names beside loopback. A port in them, as in the header, says nothing. */
export interface AllowedHostsOptions {
  /** `server.host` */
  readonly host: string
  /** `server.allowedHosts` */
  readonly allowedHosts: ReadonlyArray<string>
}

/** Whether a Host header is loopback or names one of these. Letter case, ports and a last dot do not count. */
export const isAllowedHost = (header: string | undefined, options: AllowedHostsOptions): boolean => {
  const name = header === undefined ? null : nameOf(header)
  if (name === null) return false
  return isLoopback(name) || [options.host, ...options.allowedHosts].some((allowed) => nameOf(allowed) === name)
}

/** Answers 403 to other names; its `layer` is to be provided to the routes that it guards. */
export const middleware = (options: AllowedHostsOptions) =>
  HttpRouter.middleware((serve) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
      isAllowedHost(headers["host"], options) ? serve : fail(forbidden)
    )
  )

const forbidden: ErrorAnswer = {
  status: 403,
  type: "permission_error",
  message: "this page does not answer under the name in the Host header; server.allowedHosts can list it",
  retryAfterMs: null,
  details: null,
  close: false
}

/** The name without its port, in one spelling; null where it is no name. An IPv6 address may stand without brackets. */
const nameOf = (text: string): string | null => {
  const address =
    /^\[([0-9a-f:.]+)\](?::\d*)?$/i.exec(text)?.[1] ?? /^[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*$/i.exec(text)?.[0]
  if (address !== undefined) return spelled(address)
  const name = /^([a-z0-9_.-]+)(?::\d*)?$/i.exec(text)?.[1]
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, "")
}

/** One spelling of an IPv6 address, loopback kept as it is written. */
const spelled = (address: string): string | null => {
  if (isLoopback(address)) return address
  const url = `http://[${address}]/`
  return URL.canParse(url) ? new URL(url).hostname : null
}
