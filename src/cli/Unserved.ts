/**
 * Unserved: members of a configuration that this version reads and does not act on. Pure.
 *
 * What would send traffic another way than the operator wrote is refused; what would only serve worse is said at start.
 */
import type { GatewayConfig } from "../config/GatewayConfig.ts"

/** One such member. */
export interface Unserved {
  readonly key: string
  readonly what: string
  /** Whether starting all the same would do something that the operator did not want. */
  readonly refused: boolean
}

/** Every member that is set and not acted on. */
export const unserved = (config: GatewayConfig): ReadonlyArray<Unserved> => [
  ...when(config.proxy !== null && config.proxy.kind === "proxy", "proxy", "calls go out directly", true),
  ...config.groups.flatMap(({ proxy }, index) =>
    when(proxy.kind === "proxy", `groups[${index}].proxy`, "calls go out directly", true)
  ),
  ...when(config.server.workers > 1, "server.workers", "one process serves", true),
  ...config.upstreams.flatMap(({ kind }, index) =>
    when(kind === "anthropic", `upstreams[${index}]`, "this kind of upstream is not called", false)
  ),
  ...when(config.pool.mode === "balanced", "pool.mode", "credentials are chosen by priority", false),
  ...when(config.pool.whenFull === "overflow", "pool.whenFull", "requests wait as with queue", false),
  ...when(config.cache.reportedReadRatio !== null, "cache.reportedReadRatio", "usage is told as measured", false),
  ...when(Object.keys(config.models.routes).length > 0, "models.routes", "every credential may serve", false),
  ...when(config.telemetry.otlpUrl !== null, "telemetry.otlpUrl", "nothing is exported", false)
]

const when = (is: boolean, key: string, what: string, refused: boolean): ReadonlyArray<Unserved> =>
  is ? [{ key, what, refused }] : []
