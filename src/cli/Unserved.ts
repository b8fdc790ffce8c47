/**
 * Unserved: members of a configuration that this version reads and does not act on. Pure.
 *
 * What would send traffic another way than the operator wrote is refused; what would only serve worse is said at start.
 */
import { Equal, Schema } from "effect"
import { GatewayConfig } from "../config/GatewayConfig.ts"

/** One such member. */
export interface Unserved {
  readonly key: string
  readonly what: string
  /** Whether starting all the same would do something that the operator did not want. */
  readonly refused: boolean
}

/** Every member that is set and not acted on. */
export const unserved = (config: GatewayConfig): ReadonlyArray<Unserved> => [
  ...when(config.server.workers > 1, "server.workers", "one process serves", true),
  ...changed(
    config.telemetry,
    defaults.telemetry,
    "telemetry",
    ["otlpUrl", "traceSampling"],
    "nothing is measured or exported"
  )
]

/** The sentence about one of them. */
export const notActedOn = ({ key, what }: Unserved): string => `${key} is not acted on by this version: ${what}`

const defaults = Schema.decodeSync(GatewayConfig)({})

/** The members of a section that are not as they are by default. */
const changed = <Section extends object>(
  section: Section,
  byDefault: Section,
  name: string,
  members: ReadonlyArray<string>,
  what: string
): ReadonlyArray<Unserved> => {
  const before = new Map(Object.entries(byDefault))
  return Object.entries(section)
    .filter(([member, value]) => members.includes(member) && !Equal.equals(value, before.get(member)))
    .map(([member]) => ({ key: `${name}.${member}`, what, refused: false }))
}

const when = (is: boolean, key: string, what: string, refused: boolean): ReadonlyArray<Unserved> =>
  is ? [{ key, what, refused }] : []
