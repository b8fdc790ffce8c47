/**
 * LiveGauge: a gauge whose value is read where it lives when somebody asks, so that keeping it costs nothing.
 */
import { Effect, Metric, type Scope } from "effect"

/** What a gauge is called and says. Attributes hold no names, emails or texts of clients. */
export interface GaugeOptions {
  readonly description: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** Exports a value for as long as the scope is open. */
export const liveGauge = (
  name: string,
  options: GaugeOptions,
  read: () => number
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.context<never>(), (context) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        Metric.registerUnsafe(Metric.gauge(name, options), context, {
          get: () => ({ value: read() }),
          update: () => {},
          modify: () => {}
        })
      ),
      (registration) => Effect.sync(registration.remove)
    )
  ).pipe(Effect.asVoid)
