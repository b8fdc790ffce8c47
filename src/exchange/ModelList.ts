/**
 * ModelList: the models that clients are told of, and what their names mean.
 *
 * What the credentials' upstreams list, as far as they have told; the static list before anything is known.
 */
import { Context, Duration, Effect, Layer, Option } from "effect"
import type { PlannedModel } from "../cache/CacheAccounting.ts"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import type { UpstreamId } from "../message/Ids.ts"
import { contextWindow, resolveModel, type ResolvedModel, staticModels } from "../policy/ModelCatalog.ts"
import { everyUpstream, routeOf } from "../policy/ModelRoutes.ts"
import type { UpstreamModel } from "../upstream/UpstreamProvider.ts"

export class ModelList extends Context.Service<
  ModelList,
  {
    /** Every model known, waiting at most two seconds for the first list. */
    readonly list: Effect.Effect<ReadonlyArray<UpstreamModel>>
    /** The upstream's name for what a client asks for. */
    readonly resolve: (name: string) => ResolvedModel
    /** The upstreams to ask for what a client calls so, the first first. By the settings of this moment. */
    readonly route: (name: string) => ReadonlyArray<UpstreamId>
    /** The most cache points that a model takes; 0 where it takes none, or that is not known. */
    readonly cachePoints: (id: string) => number
    /** What is known of a model that is about to be asked. */
    readonly planned: (id: string) => PlannedModel
  }
>()("weir/exchange/ModelList") {
  static readonly layer: Layer.Layer<ModelList, never, CredentialPool | RuntimeSettings> = Layer.effect(
    ModelList,
    Effect.suspend(() => make)
  )
}

/** How long a client waits for the first list. */
const patience = Duration.seconds(2)

const make = Effect.gen(function* () {
  const pool = yield* CredentialPool
  const settings = yield* RuntimeSettings

  return ModelList.of({
    list: Effect.map(Effect.timeoutOption(pool.models, patience), (asked) => {
      const known = Option.getOrElse(asked, pool.knownModels)
      return known.length === 0 ? staticModels : known
    }),
    resolve: (name) => resolveModel(name, settings.current().models.aliases),
    route: (name) => {
      const { aliases, routes } = settings.current().models
      return (
        routeOf([name, resolveModel(name, aliases).id], routes) ?? everyUpstream(settings.upstreams, pool.upstreams())
      )
    },
    cachePoints: (id) => pool.knownModel(id)?.promptCaching?.maximumPoints ?? 0,
    planned: (id) => {
      const known = pool.knownModel(id)
      return {
        id,
        window: known?.maxInputTokens ?? contextWindow(id),
        minimumCached: known?.promptCaching?.minimumTokens ?? null
      }
    }
  })
})
