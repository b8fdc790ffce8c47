/**
 * Region: the name of an AWS region. It becomes part of host names, so nothing else may pass.
 */
import { Schema } from "effect"

const pattern = /^[a-z]{2}(-[a-z]+)+-[0-9]$/u
const longest = 32

/** A region such as `us-east-1`. */
export const Region = Schema.String.check(
  Schema.isPattern(pattern, { expected: `a region such as "us-east-1"` }),
  Schema.isMaxLength(longest)
)

/** Whether the text has the form of a region. */
export const isRegion = (text: string): boolean => text.length <= longest && pattern.test(text)
