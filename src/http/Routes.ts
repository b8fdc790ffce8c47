/**
 * Routes: everything the server answers to clients and probes, as one layer over an `HttpRouter`.
 */
import { Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import type { GatewayConfig } from "../config/GatewayConfig.ts"
import * as AccountRoutes from "./AccountRoutes.ts"
import * as AllowedHosts from "./AllowedHosts.ts"
import * as Cors from "./Cors.ts"
import * as Edge from "./Edge.ts"
import * as HealthRoutes from "./HealthRoutes.ts"
import * as MessagesRoutes from "./MessagesRoutes.ts"
import * as ModelsRoutes from "./ModelsRoutes.ts"

export const layer = ({ server, telemetry }: Pick<GatewayConfig, "server" | "telemetry">) => {
  const client = Layer.mergeAll(MessagesRoutes.layer(server), AccountRoutes.layer(server), ModelsRoutes.layer).pipe(
    Layer.provide(Cors.middleware(server.corsOrigins).layer)
  )
  const guard = Layer.provide(AllowedHosts.middleware(server).layer)
  return Layer.mergeAll(
    client,
    Cors.layerPreflight(server.corsOrigins),
    HealthRoutes.layerProbes,
    telemetry.prometheus ? HealthRoutes.layerMetrics.pipe(guard) : Layer.empty,
    adminAddress.pipe(guard),
    Edge.layer
  )
}

/** Where a person looks for the admin API. */
const adminAddress = HttpRouter.add("GET", "/admin", HttpServerResponse.redirect("/api/admin/docs"))
