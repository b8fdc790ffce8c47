/**
 * JsonRecord: parsed JSON of which nothing is known yet. Pure.
 */

/** An object whose members are not known. */
export type JsonRecord = Readonly<Record<string, unknown>>

/** Whether it is an object, and no list. */
export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What a text says, or null where it is no JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
