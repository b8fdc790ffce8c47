/**
 * What an operator adds to the pool, and what the admin API says came of it.
 */
import { Schema } from "effect"
import { CredentialId } from "../message/Ids.ts"

/** The most rows of one import. */
export const mostRows = 1_000

const flag = (description: string) =>
  Schema.optionalKey(Schema.Literals(["", "true", "false"]).annotate({ expected: `"true" or "false"`, description }))

const allowProxy = flag("Whether a row's own proxy is taken over; left out: false, and the row says so.")

export const AddQuery = {
  verify: flag("Whether it must pass one refresh, or, as a key, one listing of models; left out: true."),
  allowProxy
}

export const ImportQuery = {
  verify: Schema.optionalKey(
    Schema.Literals(["", "true", "false", "strict"]).annotate({
      expected: `"true", "false" or "strict"`,
      description:
        "Whether rows are verified; left out: true. A row that fails is kept and reported as unverified; with strict it is not kept."
    })
  ),
  allowProxy
}

export const Added = Schema.Struct({
  id: CredentialId,
  email: Schema.NullOr(Schema.String)
}).annotate({ identifier: "Added" })

/** What came of one row. */
export const ImportRow = Schema.Struct({
  row: Schema.Int.annotate({ description: "Its place in the file, from 1; 0: the whole file." }),
  status: Schema.Literals(["added", "duplicate", "invalid", "unverified"]),
  id: Schema.optionalKey(CredentialId).annotate({
    description: "Of the credential that was added, or that is the same. Without it, nothing was added."
  }),
  message: Schema.optionalKey(Schema.String).annotate({
    description: "What is wrong, or what of the row was not taken over."
  })
}).annotate({ identifier: "ImportRow" })
export type ImportRow = typeof ImportRow.Type

export const ImportResults = Schema.Struct({ results: Schema.Array(ImportRow) }).annotate({
  identifier: "ImportResults"
})

const event = <const Name extends string, Data extends Schema.Codec<unknown, unknown>>(name: Name, data: Data) =>
  Schema.Struct({ event: Schema.Literal(name), data: Schema.fromJsonString(data) })

/** One event of an import that is followed as it goes. */
export const ImportEvent = Schema.Union([
  event("row", ImportRow),
  event("results", ImportResults),
  event("error", Schema.Struct({ type: Schema.Literal("error"), error: Schema.Unknown }))
]).annotate({ identifier: "ImportEvent" })
