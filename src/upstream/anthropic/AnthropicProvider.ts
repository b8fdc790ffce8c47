/**
 * AnthropicProvider: Anthropic's own API as an upstream, passed through without any conversion.
 *
 * Requests go on byte for byte but for what policy changes, and so do answers, but for the member `usage.weir`.
 */
import { Effect, Layer } from "effect"
import type { Credential } from "../../message/Credential.ts"
import { Dispatch } from "../Dispatch.ts"
import { RefreshFailure } from "../RefreshFailure.ts"
import { failure } from "../UpstreamFailure.ts"
import { UpstreamProvider } from "../UpstreamProvider.ts"
import { forward } from "./AnthropicForward.ts"
import type { AnthropicOptions } from "./AnthropicHttp.ts"
import { send } from "./AnthropicMessages.ts"
import { listModels } from "./AnthropicModels.ts"

/** The credentials that its calls are made with. */
export const kinds: ReadonlySet<Credential["kind"]> = new Set<Credential["kind"]>(["anthropic"])

/** The provider for one configured upstream, to be put behind `UpstreamProvider` alone or among others. */
export const make = (options: AnthropicOptions): Effect.Effect<UpstreamProvider["Service"], never, Dispatch> =>
  Effect.map(Dispatch, (dispatch) =>
    UpstreamProvider.of({
      send: (call, lease, sink) => send({ dispatch: dispatch.via(lease.egress), options }, call, lease, sink),
      forward: (call, lease, sink) => forward({ dispatch: dispatch.via(lease.egress), options }, call, lease, sink),
      answersWhole: ({ request }) => request.stream !== true,
      listModels: (lease) => listModels(dispatch.via(lease.egress), options, lease),
      refresh: () =>
        Effect.fail(new RefreshFailure({ kind: "refused", status: null, detail: "a key is never renewed" })),
      discoverProfile: () => Effect.succeed(null),
      balance: () => Effect.fail(failure("client_error", "none", "this upstream does not tell what is left"))
    })
  )

/** Anthropic as the one upstream. */
export const layer = (options: AnthropicOptions): Layer.Layer<UpstreamProvider, never, Dispatch> =>
  Layer.effect(UpstreamProvider, make(options))
