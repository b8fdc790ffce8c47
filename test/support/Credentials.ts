/** Credentials: what every kind of credential has, for tests to build on. */
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

/** Why a lease of a test was given: there was no choice. */
export const chosen: Why = {
  because: "the only one",
  counts: { eligible: 1, cooldown: 0, disabled: 0, full: 0, model: 0, group: 0, tried: 0 },
  credentials: []
}
