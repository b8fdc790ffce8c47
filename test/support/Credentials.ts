/** Credentials: what every kind of credential has, and what files of them are read with, for tests to build on. */
import type { AnthropicUpstream, KiroUpstream, Upstream } from "../../src/config/UpstreamSettings.ts"
import type { EntryOptions } from "../../src/credential/CredentialEntry.ts"
import type { Why } from "../../src/message/Why.ts"
import { CredentialId, UpstreamId } from "../../src/message/Ids.ts"

/** Neither priority, label nor anything else that tells it apart. */
export const credentialBase = (id: string) => ({
  id: CredentialId.make(id),
  upstream: UpstreamId.make("kiro"),
  priority: 0,
  label: null,
  email: null,
  group: null,
  apiRegion: null,
  profileArn: null,
  proxy: null,
  subscription: null
})

export const kiroUpstream = (id: string, changes: Partial<KiroUpstream> = {}): KiroUpstream => ({
  id: UpstreamId.make(id),
  kind: "kiro",
  region: "us-east-1",
  headers: {},
  allowedTokenHosts: [],
  endpoints: { api: "https://a.test", socialRefresh: "https://b.test", idcRefresh: "https://c.test" },
  ...changes
})

export const anthropicUpstream = (id: string): AnthropicUpstream => ({
  id: UpstreamId.make(id),
  kind: "anthropic",
  baseUrl: "https://api.test"
})

/** A file that comes from elsewhere: no proxies, no environment. */
export const entryOptions = (upstreams: ReadonlyArray<Upstream>): EntryOptions => ({
  upstreams,
  environment: null,
  allowProxy: false
})

/** Why a lease of a test was given: there was no choice. */
export const chosen: Why = {
  because: "the only one",
  counts: { eligible: 1, cooldown: 0, disabled: 0, full: 0, model: 0, group: 0, tried: 0 },
  credentials: []
}
