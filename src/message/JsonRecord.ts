/**
 * JsonRecord: an object of parsed JSON, whose members are not known. Pure.
 */

export type JsonRecord = Readonly<Record<string, unknown>>

/** Whether it is an object, and no list. */
export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value)
