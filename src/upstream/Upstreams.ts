/**
 * Upstreams: several upstreams behind one `UpstreamProvider`; a credential's own upstream takes its calls.
 */
import { Effect, Layer } from "effect"
import type { UpstreamId } from "../message/Ids.ts"
import { RefreshFailure } from "./RefreshFailure.ts"
import { failure, type UpstreamFailure } from "./UpstreamFailure.ts"
import { UpstreamProvider } from "./UpstreamProvider.ts"

type Provider = UpstreamProvider["Service"]

/** The providers by the id of their upstream. Calls of a credential whose upstream is not among them fail. */
export const layer = <E, R>(
  providers: Effect.Effect<ReadonlyMap<UpstreamId, Provider>, E, R>
): Layer.Layer<UpstreamProvider, E, R> => Layer.effect(UpstreamProvider, Effect.map(providers, route))

const route = (providers: ReadonlyMap<UpstreamId, Provider>): Provider => {
  const of = <A>(
    { credential }: { readonly credential: { readonly upstream: UpstreamId } },
    use: (provider: Provider) => Effect.Effect<A, UpstreamFailure>
  ): Effect.Effect<A, UpstreamFailure> => {
    const provider = providers.get(credential.upstream)
    return provider === undefined
      ? Effect.fail(failure("auth", "credential", unknown(credential.upstream)))
      : use(provider)
  }
  return UpstreamProvider.of({
    send: (call, lease, sink) => of(lease, (provider) => provider.send(call, lease, sink)),
    answersWhole: (call, lease) => providers.get(lease.credential.upstream)?.answersWhole(call, lease) ?? false,
    listModels: (lease) => of(lease, (provider) => provider.listModels(lease)),
    discoverProfile: (lease) => of(lease, (provider) => provider.discoverProfile(lease)),
    balance: (lease) => of(lease, (provider) => provider.balance(lease)),
    refresh: (credential, egress) => {
      const provider = providers.get(credential.upstream)
      return provider === undefined
        ? Effect.fail(new RefreshFailure({ kind: "unavailable", status: null, detail: unknown(credential.upstream) }))
        : provider.refresh(credential, egress)
    }
  })
}

const unknown = (id: UpstreamId): string => `the upstream ${id} is not in the configuration`
