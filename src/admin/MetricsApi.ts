/**
 * MetricsApi: numbers for a dashboard. Only the definition.
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { MetricsSummary } from "./MetricsSchema.ts"

/** Figures of this moment and of the last hour. */
export class MetricsGroup extends HttpApiGroup.make("metrics")
  .add(
    HttpApiEndpoint.get("summary", "/metrics/summary", { success: MetricsSummary }).annotateMerge(
      OpenApi.annotations({
        summary: "How it goes",
        description: "The pool at this moment, and what the last sixty minutes' requests came to, since the start."
      })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Metrics", description: "Figures for a dashboard." })) {}
