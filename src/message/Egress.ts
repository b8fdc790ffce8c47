/**
 * Egress: which way calls to an upstream go out.
 */
import type { Redacted } from "effect"

/** Calls go out without a proxy. */
export interface DirectRoute {
  readonly kind: "direct"
}

/** Calls go out through this proxy. User name and password are set both or neither. */
export interface ProxyRoute {
  readonly kind: "proxy"
  /** `http`, `https` or `socks5`, host and port; no user info, no path. */
  readonly url: string
  readonly username: string | null
  readonly password: Redacted.Redacted | null
}

/** How calls go out. */
export type Egress = DirectRoute | ProxyRoute

/** Calls go out without a proxy. */
export const direct: Egress = { kind: "direct" }
