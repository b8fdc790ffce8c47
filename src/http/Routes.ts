/**
 * Routes: everything the server answers to clients and probes, as one layer over an `HttpRouter`.
 */
import { Layer } from "effect"
import type { GatewayConfig } from "../config/GatewayConfig.ts"
import * as AllowedHosts from "./AllowedHosts.ts"
import * as Cors from "./Cors.ts"
import * as Edge from "./Edge.ts"
import * as HealthRoutes from "./HealthRoutes.ts"
import * as MessagesRoutes from "./MessagesRoutes.ts"
import * as ModelsRoutes from "./ModelsRoutes.ts"

export const layer = ({ server, telemetry }: Pick<GatewayConfig, "server" | "telemetry">) => {
  const client = Layer.mergeAll(MessagesRoutes.layer(server), ModelsRoutes.layer).pipe(
    Layer.provide(Cors.middleware(server.corsOrigins).layer)
  )
  const metrics = HealthRoutes.layerMetrics.pipe(Layer.provide(AllowedHosts.middleware(server).layer))
  return Layer.mergeAll(
    client,
    Cors.layerPreflight(server.corsOrigins),
    HealthRoutes.layerProbes,
    telemetry.prometheus ? metrics : Layer.empty,
    Edge.layer
  )
}
