/**
 * AccountAnswer: what the JSON about files and batches says, and the addresses in it made the gateway's own. Pure.
 *
 * **Source:** Anthropic API: Files, Message Batches (`results_url`), lists.
 */
import { isRecord } from "../message/JsonRecord.ts"
import { Option, Schema } from "effect"

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** A body's JSON, or null where it is none. */
export const jsonOf = (body: Uint8Array): unknown => Option.getOrNull(parse(new TextDecoder().decode(body)))

/** The ids of what a body describes: one thing, or a list of them. */
export const idsOf = (value: unknown): ReadonlyArray<string> =>
  itemsOf(value).flatMap(({ id }) => (typeof id === "string" ? [id] : []))

/** The member, with the path that leads to a batch's results; whatever stands in a text has its quotes escaped. */
const results = /"results_url"(\s*:\s*)"https?:\/\/[^"\\/]+[^"\\]*?(\/v1\/messages\/batches\/[^"\\/]+\/results)"/g

/**
 * The body with its batches' results at this gateway, where clients have their keys; every other character as it came.
 *
 * @param origin scheme and host, or empty where they are not known; the address is then a path
 */
export const withOwnResults = (body: string, origin: string): string =>
  body.replace(results, (_, colon: string, path: string) => `"results_url"${colon}"${origin}${path}"`)

const itemsOf = (value: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  !isRecord(value) ? [] : Array.isArray(value["data"]) ? value["data"].filter(isRecord) : [value]
