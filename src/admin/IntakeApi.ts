/**
 * IntakeApi: how credentials come to the pool. Only the definition.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { BadRequestAnswer, InternalAnswer, TooLargeAnswer } from "./ErrorSchema.ts"
import { Added, AddQuery, ImportEvent, ImportQuery, ImportResults } from "./IntakeSchema.ts"

const formats =
  "As kiro.rs and its forks, account managers and Kiro's own sign-in write it, or with keys of Anthropic's API; camelCase or snake_case."

/** Adding credentials. */
export class IntakeGroup extends HttpApiGroup.make("intake")
  .add(
    HttpApiEndpoint.post("add", "/credentials", {
      query: AddQuery,
      payload: Schema.Unknown,
      success: Added,
      error: [BadRequestAnswer, InternalAnswer, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Add a credential",
        description: `${formats} One that is here already, or that fails its verification, is a 400 and nothing of it is kept.`
      })
    ),
    HttpApiEndpoint.post("import", "/credentials/import", {
      query: ImportQuery,
      payload: Schema.Unknown,
      success: [ImportResults, HttpApiSchema.StreamSse({ events: ImportEvent })],
      error: [BadRequestAnswer, InternalAnswer, TooLargeAnswer]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Import credentials",
        description:
          `${formats} An object, a list, or a list under one of the names that exports use; at most 1,000 rows and 8 MiB. ` +
          "One result for each row. A row that fails its verification is kept with what was learnt of it (one that the " +
          "identity provider no longer takes is disabled) and reported as unverified; with verify=strict it is not kept. " +
          "With `accept: text/event-stream` the answer is a stream: an event `row` with each result as it comes, then one " +
          "event `results` with what the answer would have been, or `error`. An import whose client goes away stops; made " +
          "again, it finds what it has added as duplicates."
      })
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "Adding credentials", description: "One, or a file of them." })) {}
