/**
 * Upstreams: several upstreams behind one `UpstreamProvider`; a credential's own upstream takes its calls.
 */
import { Effect, Layer } from "effect"
import type { Credential } from "../message/Credential.ts"
import type { UpstreamId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import { RefreshFailure } from "./RefreshFailure.ts"
import { failure, type UpstreamFailure } from "./UpstreamFailure.ts"
import { UpstreamProvider } from "./UpstreamProvider.ts"

type Provider = UpstreamProvider["Service"]

/** One upstream, and the kinds of credentials that it may be shown. */
export interface Upstream {
  readonly provider: Provider
  readonly kinds: ReadonlySet<Credential["kind"]>
}

/**
 * The upstreams by their ids. Calls of a credential whose upstream is not among them, or is of another kind than when the
 * credential was added, fail before its secret is shown to anybody.
 */
export const layer = <E, R>(
  providers: Effect.Effect<ReadonlyMap<UpstreamId, Upstream>, E, R>
): Layer.Layer<UpstreamProvider, E, R> => Layer.effect(UpstreamProvider, Effect.map(providers, route))

const route = (providers: ReadonlyMap<UpstreamId, Upstream>): Provider => {
  const find = ({ kind, upstream }: Pick<Credential, "kind" | "upstream">): Provider | null => {
    const found = providers.get(upstream)
    return found?.kinds.has(kind) === true ? found.provider : null
  }
  const of = <A>(
    { credential }: Pick<Lease, "credential">,
    use: (provider: Provider) => Effect.Effect<A, UpstreamFailure>
  ): Effect.Effect<A, UpstreamFailure> => {
    const provider = find(credential)
    return provider === null ? Effect.fail(failure("auth", "credential", unknown(credential))) : use(provider)
  }
  return UpstreamProvider.of({
    send: (call, lease, sink) => of(lease, (provider) => provider.send(call, lease, sink)),
    answersWhole: (call, lease) => find(lease.credential)?.answersWhole(call, lease) ?? false,
    forward: (call, lease, sink) => of(lease, (provider) => provider.forward(call, lease, sink)),
    listModels: (lease) => of(lease, (provider) => provider.listModels(lease)),
    discoverProfile: (lease) => of(lease, (provider) => provider.discoverProfile(lease)),
    balance: (lease) => of(lease, (provider) => provider.balance(lease)),
    refresh: (credential, egress) => {
      const provider = find(credential)
      return provider === null
        ? Effect.fail(new RefreshFailure({ kind: "unavailable", status: null, detail: unknown(credential) }))
        : provider.refresh(credential, egress)
    }
  })
}

const unknown = ({ kind, upstream }: Pick<Credential, "kind" | "upstream">): string =>
  `the configuration has no upstream ${upstream} for credentials of the kind ${kind}`
