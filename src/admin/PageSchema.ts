/**
 * PageSchema: the members that the queries of all lists have in common.
 */
import { Schema } from "effect"

/** The most rows on one page of any list. */
export const largestPage = 1_000

/** @param what the rows are; `byDefault`: how many without a limit */
export const limit = (what: string, byDefault: number) =>
  Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^(?:0*[1-9]\d{0,2}|0*1000)?$/, { expected: `a whole number from 1 to ${largestPage}` })
    ).annotate({ description: `${what} on the page, 1 to ${largestPage}; left out: ${byDefault}.` })
  )

/** A text to narrow a list by. */
export const short = (description: string) =>
  Schema.optionalKey(
    Schema.String.check(Schema.isMaxLength(256, { expected: "at most 256 characters" })).annotate({ description })
  )
