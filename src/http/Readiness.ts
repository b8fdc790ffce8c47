/**
 * Readiness: whether the gateway takes requests, and how it stops.
 *
 * It stops in three steps: it says that it is not ready and refuses new requests while the listener is still there
 * (`lameDuck`), so that a load balancer notices before connections are refused; then the listener closes; then answers
 * under way have `drain` to end.
 */
import { Context, type Duration, Effect, Layer, Ref } from "effect"

export class Readiness extends Context.Service<
  Readiness,
  {
    /** Whether new requests are served. */
    readonly isServing: () => boolean
    /** From now on no new request is served. */
    readonly stop: Effect.Effect<void>
  }
>()("weir/http/Readiness") {
  static readonly layer: Layer.Layer<Readiness> = Layer.effect(
    Readiness,
    Effect.map(Ref.make(true), (serving) =>
      Readiness.of({ isServing: () => Ref.getUnsafe(serving), stop: Ref.set(serving, false) })
    )
  )

  /**
   * Stops taking requests when its scope closes, and holds the closing up for as long as the lame duck lives. To be
   * built on top of the server, so that its finalizer runs before the server's.
   */
  static readonly layerLameDuck = (lameDuck: Duration.Duration): Layer.Layer<never, never, Readiness> =>
    Layer.effectDiscard(
      Effect.flatMap(Readiness, ({ stop }) =>
        Effect.addFinalizer(() =>
          stop.pipe(
            Effect.andThen(Effect.logInfo("Stopping: new requests are refused, running ones may end")),
            Effect.andThen(Effect.sleep(lameDuck))
          )
        )
      )
    )
}
