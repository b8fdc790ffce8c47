/**
 * ModelList: the models the upstream offers, as far as it has told us.
 *
 * Kept for ten minutes and fetched in the background; whoever asks gets what is known, at once, and the static list
 * before anything is.
 */
import { Clock, Context, Duration, Effect, Fiber, FiberMap, Layer, Option } from "effect"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import { contextWindow, resolveModel, type ResolvedModel, staticModels } from "../policy/ModelCatalog.ts"
import { forLog } from "../telemetry/Redaction.ts"
import { type UpstreamModel, UpstreamProvider } from "../upstream/UpstreamProvider.ts"

export class ModelList extends Context.Service<
  ModelList,
  {
    /** Every model known, waiting at most two seconds for the first list. */
    readonly list: Effect.Effect<ReadonlyArray<UpstreamModel>>
    /** Asks the upstream again in the background where the list is old; waits for nobody. */
    readonly refresh: Effect.Effect<void>
    /** The upstream's name for what a client asks for. */
    readonly resolve: (name: string) => ResolvedModel
    /** A model's context window. Tokens. */
    readonly window: (id: string) => number
  }
>()("weir/exchange/ModelList") {
  static readonly layer: Layer.Layer<ModelList, never, CredentialPool | RuntimeSettings | UpstreamProvider> =
    Layer.effect(
      ModelList,
      Effect.suspend(() => make)
    )
}

/** How long a list is good for. */
const lifetimeMs = 10 * 60_000
/** After a failure it is asked for again after this time. */
const afterFailureMs = 60_000
/** How long a client waits for the first list. */
const patience = Duration.seconds(2)
/** How long one fetch may take. */
const fetchTimeout = Duration.seconds(30)

const make = Effect.gen(function* () {
  const pool = yield* CredentialPool
  const provider = yield* UpstreamProvider
  const settings = yield* RuntimeSettings
  const running = yield* FiberMap.make<"list">()
  let known: ReadonlyArray<UpstreamModel> | null = null
  let windows = new Map<string, number>()
  let staleAt = 0

  const fetch = pool.lease({ model: null, exclude: new Set(), barred: new Set() }).pipe(
    Effect.flatMap(provider.listModels),
    Effect.scoped,
    Effect.timeout(fetchTimeout),
    Effect.flatMap((models) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        known = models
        windows = new Map(
          models.flatMap((model) => (model.maxInputTokens === null ? [] : [[model.id, model.maxInputTokens]]))
        )
        staleAt = now + lifetimeMs
      })
    ),
    Effect.catch((error) =>
      Effect.logDebug(`The upstream's models could not be listed: ${forLog(error.message)}`).pipe(
        Effect.andThen(
          Effect.map(Clock.currentTimeMillis, (now) => {
            staleAt = now + afterFailureMs
          })
        )
      )
    )
  )
  const begin = FiberMap.run(running, "list", fetch, { onlyIfMissing: true })
  const refresh = Effect.flatMap(Clock.currentTimeMillis, (now) => (now < staleAt ? Effect.void : Effect.asVoid(begin)))

  return ModelList.of({
    list: Effect.gen(function* () {
      yield* refresh
      if (known === null) {
        const fiber = yield* FiberMap.get(running, "list")
        if (Option.isSome(fiber)) yield* Effect.timeoutOption(Fiber.await(fiber.value), patience)
      }
      return known ?? staticModels
    }),
    refresh,
    resolve: (name) => resolveModel(name, settings.current().models.aliases),
    window: (id) => windows.get(id) ?? contextWindow(id)
  })
})
