/**
 * Heartbeat: pings for all answers that are under way, by one fiber for the whole gateway.
 *
 * A timer for each stream would cost more than the stream's silence is worth; one pass every half second over those
 * that are open costs nothing.
 */
import { Clock, Context, Effect, Layer, Schedule, type Scope } from "effect"
import type { Relay } from "./Relay.ts"

export class Heartbeat extends Context.Service<
  Heartbeat,
  {
    /** Pings the relay when it is due, until the Scope closes. Bounded by the number of leases and waiters. */
    readonly watch: (relay: Relay) => Effect.Effect<void, never, Scope.Scope>
  }
>()("weir/exchange/Heartbeat") {
  static readonly layer: Layer.Layer<Heartbeat> = Layer.effect(
    Heartbeat,
    Effect.gen(function* () {
      const relays = new Set<Relay>()
      const beat = Effect.map(Clock.currentTimeMillis, (now) => {
        for (const relay of relays) relay.beat(now)
      })
      yield* Effect.forkScoped(Effect.repeat(beat, Schedule.spaced("500 millis")))
      return Heartbeat.of({
        watch: (relay) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              relays.add(relay)
            }),
            () => Effect.sync(() => relays.delete(relay))
          )
      })
    })
  )
}
