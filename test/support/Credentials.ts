/** Credentials: what every kind of credential has, for tests to build on. */
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
  subscription: null
})
