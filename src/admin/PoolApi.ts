/**
 * PoolApi: why the pool chooses as it does. Only the definition.
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { ExplainQuery, ExplanationView } from "./PoolSchema.ts"

/** The pool's decisions. */
export class PoolGroup extends HttpApiGroup.make("pool")
  .add(
    HttpApiEndpoint.get("explain", "/pool/explain", { query: ExplainQuery, success: ExplanationView }).annotateMerge(
      OpenApi.annotations({
        summary: "Explain a choice",
        description:
          "Who would serve a request now and why; for each of the others what speaks against it, and until when."
      })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Pool", description: "How credentials are chosen." })) {}
