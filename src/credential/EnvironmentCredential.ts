/**
 * EnvironmentCredential: the API key in the variable `KIRO_API_KEY` as a credential. It is used like any other and never
 * written anywhere.
 */
import { Config, Effect, Option, Redacted } from "effect"
import { ConfigError } from "../config/ConfigError.ts"
import type { GatewayConfig } from "../config/GatewayConfig.ts"
import type { ApiKeyCredential } from "../message/Credential.ts"
import { CredentialId, type UpstreamId } from "../message/Ids.ts"

const variable = "KIRO_API_KEY"

/**
 * The environment's credential for the first Kiro upstream; null where the variable is not set or blank, or there is no
 * such upstream. Fails where the key could not stand in a header.
 */
export const environmentCredential = Effect.fnUntraced(function* (
  config: Pick<GatewayConfig, "upstreams">
): Effect.fn.Return<ApiKeyCredential | null, ConfigError> {
  const unusable = (reason: string) => new ConfigError({ file: variable, line: null, key: "", reason })
  const upstream = config.upstreams.find(({ kind }) => kind === "kiro")
  if (upstream === undefined) return null
  const set = yield* Config.option(Config.Redacted(variable)).pipe(
    Effect.mapError(() => unusable("the environment variable could not be read"))
  )
  const key = Option.match(set, { onNone: () => "", onSome: (value) => Redacted.value(value).trim() })
  if (key === "") return null
  if (!/^[\x21-\x7e]{1,16384}$/u.test(key)) {
    return yield* unusable("the environment variable must hold an API key: printable ASCII without spaces")
  }
  return fromEnvironment(Redacted.make(key), upstream.id)
})

/** An API key of the environment as a credential: priority 0, and always the same id. */
export const fromEnvironment = (apiKey: Redacted.Redacted, upstream: UpstreamId): ApiKeyCredential => ({
  kind: "api_key",
  id: CredentialId.make("env"),
  upstream,
  priority: 0,
  label: variable,
  email: null,
  group: null,
  apiRegion: null,
  profileArn: null,
  proxy: null,
  subscription: null,
  apiKey
})
