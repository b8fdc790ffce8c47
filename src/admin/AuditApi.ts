/**
 * AuditApi: what operators have changed. Only the definition.
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { AuditPage, AuditQuery } from "./AuditSchema.ts"
import { BadRequestAnswer, InternalAnswer } from "./ErrorSchema.ts"

/** The record of changes. */
export class AuditGroup extends HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/audit", {
      query: AuditQuery,
      success: AuditPage,
      error: [BadRequestAnswer, InternalAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "List changes",
        description:
          "Every change by this API that succeeded, the newest first, by page; secrets are masked. The last 10,000 are kept."
      })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Audit", description: "Who changed what, and when." })) {}
