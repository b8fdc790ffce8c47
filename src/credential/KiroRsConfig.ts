/**
 * KiroRsConfig: the configuration file of kiro.rs where credentials were expected. It holds none; each of its settings is
 * named with the place that it has here. Pure.
 *
 * **Source:** `config.json` of kiro.rs.
 */

/** Members that no credential has, and where to set the same here. */
const places: ReadonlyMap<string, string> = new Map([
  ["host", "set server.host"],
  ["port", "set server.port"],
  ["apiKey", "set auth.clientKeys, or make a key with weir keys create"],
  ["adminApiKey", "set auth.adminKey, or make a key with weir keys reset-admin"],
  ["credentialGroups", "set groups, each with its proxy"],
  ["loadBalancingMode", "set pool.mode"],
  ["maxInflightPerCredential", "set pool.maxInflightPerCredential"],
  ["maxInflightKiroRequests", "set pool.maxInflight"],
  ["transientCooldownEnabled", "set cooldown.enabled"],
  ["rateLimitCooldownSec", "set cooldown.rateLimit"],
  ["upstreamErrorCooldownSec", "set cooldown.upstreamError"],
  ["overageRequestCooldownSec", "set cooldown.overage"],
  ["suspiciousActivityCooldownSec", "set cooldown.suspiciousActivity"],
  ["maxFallbackWaitSecs", "a cooling credential is never waited for; see pool.queueTimeout"],
  ["maxFallbackWaitAttempts", "a cooling credential is never waited for; see retry.maxAttempts"],
  ["promptCacheEnabled", "set cache.enabled"],
  ["promptCacheCapacity", "set cache.capacity"],
  ["promptCacheTtlSecs", "each request says how long its prefixes are kept"],
  ["perceivedCacheHitRatio", "set cache.reportedReadRatio"],
  ["systemPrompt", "set systemPrompt.prepend or systemPrompt.append"],
  ["systemPromptEnabled", "an unset systemPrompt is off"],
  ["systemPromptPosition", "set systemPrompt.prepend or systemPrompt.append"],
  ["enabledPresets", "there are no presets"],
  ["userPresets", "there are no presets"],
  ["stripSystemRestrictions", "a client's system prompt is never cut"],
  ["tlsBackend", "there is one only"],
  ["defaultEndpoint", "there is one only"],
  ["endpoints", "see upstreams[].endpoints"],
  ["extractThinking", "thinking is always told apart"],
  ["countTokensApiUrl", "tokens are counted here"],
  ["countTokensApiKey", "tokens are counted here"],
  ["countTokensAuthType", "tokens are counted here"],
  ["tokenWesternCharWeight", "tokens are counted here"],
  ["kiroVersion", "no other client is imitated; see upstreams[].headers"],
  ["nodeVersion", "no other client is imitated; see upstreams[].headers"],
  ["systemVersion", "no other client is imitated; see upstreams[].headers"],
  ["fallbackProxyUrl", "a failure never changes the way out"],
  ["fallbackProxyAfterAttempts", "a failure never changes the way out"]
])

/** Members that credentials have as well. */
const sharedPlaces: ReadonlyMap<string, string> = new Map([
  ["region", "set upstreams[].region"],
  ["authRegion", "set authRegion of the credentials"],
  ["apiRegion", "set apiRegion of the credentials"],
  ["proxyUrl", "set proxy.url"],
  ["proxyUsername", "set proxy.username"],
  ["proxyPassword", "set proxy.password"],
  ["machineId", "no other client is imitated"]
])

/** Whether an object that holds no credential is such a configuration. @param aside a member that tells nothing */
export const isKiroRsConfig = (root: object, aside: string | null = null): boolean =>
  Object.keys(root).some((name) => name !== aside && places.has(name))

/** One sentence for each setting that stands in the file, in its order; members that we do not know share the last. */
export const notTakenOver = (root: object): ReadonlyArray<string> => {
  const named: Array<string> = []
  let unknown = 0
  for (const [name, value] of Object.entries(root)) {
    if (value === null) continue
    const place = places.get(name) ?? sharedPlaces.get(name)
    if (place === undefined) unknown++
    else named.push(`${name} of kiro.rs's configuration is not taken over: ${place}`)
  }
  return unknown === 0 ? named : [...named, `${unknown} unknown members of the configuration are not taken over`]
}
