/**
 * PoolMetrics: what the pool exports. Permits are counted where they are taken, leases by who holds one.
 */
import { Effect, Metric, type Scope } from "effect"
import { liveGauge } from "../telemetry/LiveGauge.ts"
import type { Standing } from "./PoolEntry.ts"
import type { PoolState } from "./PoolState.ts"

/** How long requests waited that had to. Seconds. */
export const queueWait = Metric.histogram("weir_queue_wait_seconds", {
  description: "How long requests waited for a permit that had to wait.",
  boundaries: [0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60]
})

/** Exports the pool's state for as long as the scope is open. */
export const exportState = (state: PoolState): Effect.Effect<void, never, Scope.Scope> =>
  Effect.all(
    [
      liveGauge("weir_permits_outstanding", { description: "Permits that are taken." }, () => state.outstanding),
      liveGauge("weir_leases_live", { description: "Leases that hold a permit." }, () => state.holders.size),
      liveGauge("weir_leases_borrowed", { description: "Leases that hold none (overflow)." }, () => state.borrowed),
      liveGauge("weir_queue_length", { description: "Requests that wait for a permit." }, () => state.queue.length),
      ...standings.map((is) =>
        liveGauge("weir_credentials", { description: "Credentials by state.", attributes: { state: is } }, () =>
          count(state, is)
        )
      )
    ],
    { discard: true }
  )

const standings: ReadonlyArray<Standing> = ["ready", "full", "cooling", "disabled"]

const count = ({ index }: PoolState, is: Standing): number => {
  let sum = 0
  for (const shelf of index.shelves) {
    const up = shelf.ready.size + shelf.full.size
    const isPaused = index.pausedUntil(shelf.upstream) !== null
    if (is === "disabled") sum += shelf.disabled
    else if (is === "cooling") sum += shelf.cooling + (isPaused ? up : 0)
    else if (!isPaused) sum += shelf[is].size
  }
  return sum
}
