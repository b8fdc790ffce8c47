/**
 * HealthRoutes: what probes and scrapers ask: `/`, `/livez`, `/readyz`, `/metrics`.
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { Ledger } from "../ledger/Ledger.ts"
import { Readiness } from "./Readiness.ts"

/** Probes. `GET /` answers `HEAD /` too, which Claude Code may send before its first request. */
export const layerProbes = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const ledger = yield* Ledger
    const readiness = yield* Readiness
    yield* router.add("GET", "/", text(200, "weir\n"))
    yield* router.add("GET", "/livez", text(200, "ok\n"))
    yield* router.add(
      "GET",
      "/readyz",
      Effect.suspend(() => {
        if (!readiness.isServing()) return text(503, "draining\n")
        return ledger.isWorking() ? text(200, "ok\n") : text(503, "storage fails\n")
      })
    )
  })
)

/** Every metric of the process as Prometheus reads them. They hold no names, emails or texts of clients. */
export const layerMetrics = PrometheusMetrics.layerHttp({ path: "/metrics" })

const text = (status: number, body: string) => Effect.succeed(HttpServerResponse.text(body, { status }))
