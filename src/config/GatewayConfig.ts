/**
 * GatewayConfig: the whole configuration file, as one schema with its defaults.
 */
import { Redacted, Schema } from "effect"
import { member } from "./ConfigMember.ts"
import {
  CacheSettings,
  CooldownSettings,
  Groups,
  ModelSettings,
  PoolSettings,
  RetrySettings,
  SystemPromptSettings
} from "./HotSettings.ts"
import { isLoopback } from "./HttpAddress.ts"
import { ProxySetting } from "./ProxySetting.ts"
import {
  AuthSettings,
  CredentialSettings,
  ServerSettings,
  StorageSettings,
  TelemetrySettings
} from "./ServerSettings.ts"
import { type Upstream, Upstreams } from "./UpstreamSettings.ts"

/** The shortest key that a gateway takes when others than this machine can reach it. Characters. */
export const shortestKey = 20

const Sections = Schema.Struct({
  $schema: Schema.optionalKey(
    Schema.String.annotate({ description: "Where an editor finds the schema of this file." })
  ),
  server: member(ServerSettings, {}, "Where the gateway listens, and how it stops."),
  auth: member(AuthSettings, {}, "Who may call."),
  storage: member(StorageSettings, {}, "Where the gateway remembers."),
  upstreams: member(Upstreams, [{ id: "kiro", kind: "kiro" }], "The upstreams, in the order in which they are asked."),
  credentials: member(CredentialSettings, {}, "Which files bring credentials."),
  proxy: member(Schema.NullOr(ProxySetting), null, "The proxy of calls to upstreams; null: none."),
  groups: member(Groups, [], "Groups of credentials that go out the same way."),
  pool: member(
    PoolSettings,
    {},
    "Which credential serves, how many requests at a time, and what happens when all are busy."
  ),
  retry: member(RetrySettings, {}, "How often and how long one client request is tried."),
  cooldown: member(CooldownSettings, {}, "How long a credential rests, by what happened."),
  cache: member(CacheSettings, {}, "Prompt caching and its accounting."),
  models: member(ModelSettings, {}, "Names of models, and which upstreams serve them."),
  systemPrompt: member(SystemPromptSettings, {}, "Text around every system prompt."),
  telemetry: member(TelemetrySettings, {}, "What the gateway tells of itself.")
})

/**
 * The configuration file. Besides its members, it checks what only holds between them: keys are long enough for the
 * host, the admin key is nobody else's, routes name upstreams.
 */
export const GatewayConfig = Sections.check(Schema.makeFilter((config: typeof Sections.Type) => conflict(config)))
export type GatewayConfig = typeof GatewayConfig.Type

/** Something that is wrong between members: where, and what. */
export interface Conflict {
  readonly path: ReadonlyArray<PropertyKey>
  readonly issue: string
}

/** The first route that names an upstream that is not there. */
export const unknownRoute = (models: ModelSettings, upstreams: ReadonlyArray<Upstream>): Conflict | undefined => {
  for (const [pattern, ids] of Object.entries(models.routes)) {
    const at = ids.findIndex((id) => upstreams.every((upstream) => upstream.id !== id))
    if (at !== -1) {
      const known = upstreams.map((upstream) => `"${upstream.id}"`).join(", ")
      const named = JSON.stringify(ids[at]?.slice(0, 64))
      return { path: ["routes", pattern, at], issue: `names no upstream: ${named}; there are ${known}` }
    }
  }
  return undefined
}

/** The configuration with every default filled in and every secret masked, as the file would write it. */
export const maskConfig = (config: GatewayConfig): Schema.Json =>
  Schema.encodeSync(Schema.toCodecJson(GatewayConfig))(config)

const conflict = (config: typeof Sections.Type): Conflict | undefined => {
  const { adminKey, clientKeys } = config.auth
  const host = config.server.host
  if (!isLoopback(host)) {
    const tooShort = (key: Redacted.Redacted) => Redacted.value(key).length < shortestKey
    const at = clientKeys.findIndex(tooShort)
    const issue = `must have at least ${shortestKey} characters, because server.host "${host}" is not loopback`
    if (at !== -1) return { path: ["auth", "clientKeys", at], issue }
    if (adminKey !== null && tooShort(adminKey)) return { path: ["auth", "adminKey"], issue }
  }
  if (adminKey !== null && clientKeys.some((key) => Redacted.value(key) === Redacted.value(adminKey))) {
    return { path: ["auth", "adminKey"], issue: "must differ from every key in auth.clientKeys" }
  }
  const route = unknownRoute(config.models, config.upstreams)
  return route === undefined ? undefined : { path: ["models", ...route.path], issue: route.issue }
}
