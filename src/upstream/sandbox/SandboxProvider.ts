/**
 * SandboxProvider: an upstream without a model and without a network, for trying Weir out.
 *
 * It is Kiro's provider over a `Dispatch` that replies in process: a request is converted, framed and read back by the
 * very same code, over the very same bytes. It says in its first sentence what it is; the same request gets the same
 * answer; asked for it, it calls a tool, so that an agent's loop can be seen to work.
 */
import { Effect, Layer, Redacted } from "effect"
import type { ApiKeyCredential } from "../../message/Credential.ts"
import { CredentialId, UpstreamId } from "../../message/Ids.ts"
import { version } from "../../message/Version.ts"
import { Dispatch } from "../Dispatch.ts"
import { DocumentText } from "../DocumentText.ts"
import type { KiroOptions } from "../kiro/KiroHttp.ts"
import * as KiroProvider from "../kiro/KiroProvider.ts"
import { UpstreamProvider } from "../UpstreamProvider.ts"
import * as SandboxDispatch from "./SandboxDispatch.ts"

/** What the pool leases for the sandbox. Its key opens nothing. */
export const sandboxCredential: ApiKeyCredential = {
  kind: "api_key",
  id: CredentialId.make("sandbox"),
  upstream: UpstreamId.make("sandbox"),
  priority: 0,
  label: "sandbox",
  email: null,
  group: null,
  apiRegion: null,
  profileArn: null,
  proxy: null,
  subscription: null,
  apiKey: Redacted.make("sandbox-no-secret")
}

export { kinds } from "../kiro/KiroProvider.ts"

/** No request ever leaves the process. **Source:** RFC 2606, a name that never resolves. */
const nowhere = "https://sandbox.invalid"

const options: KiroOptions = {
  endpoints: { region: "sandbox", api: nowhere, socialRefresh: nowhere, idcRefresh: nowhere },
  headers: {},
  allowedTokenHosts: [],
  version
}

/** The provider, to be put behind `UpstreamProvider` alone or among others. */
export const make: Effect.Effect<UpstreamProvider["Service"]> = KiroProvider.make(options).pipe(
  Effect.provideService(Dispatch, SandboxDispatch.make),
  // Documents are taken as they are, so none has to be read.
  Effect.provide(DocumentText.layerRefusing)
)

/** The sandbox as the one upstream. */
export const layer: Layer.Layer<UpstreamProvider> = Layer.effect(UpstreamProvider, make)
