/**
 * AccountAnswer: what the JSON about files and batches says, and the addresses in it made the gateway's own. Pure.
 *
 * **Source:** Anthropic API: Files, Message Batches (`results_url`), lists.
 */
import { Option, Schema } from "effect"
import { pathOf } from "./AccountAction.ts"

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** A body's JSON, or null where it is none. */
export const jsonOf = (body: Uint8Array): unknown => Option.getOrNull(parse(new TextDecoder().decode(body)))

/** The ids of what a body describes: one thing, or a list of them. */
export const idsOf = (value: unknown): ReadonlyArray<string> =>
  itemsOf(value).flatMap(({ id }) => (typeof id === "string" ? [id] : []))

/**
 * The body with its batches' results at this gateway, where clients have their keys; null where nothing was to change.
 *
 * @param origin scheme and host, or empty where they are not known; the address is then a path
 */
export const withOwnResults = (value: unknown, origin: string): string | null => {
  let isChanged = false
  const own = (item: unknown): unknown => {
    if (!isRecord(item) || typeof item["results_url"] !== "string" || typeof item["id"] !== "string") return item
    isChanged = true
    return { ...item, results_url: origin + pathOf({ kind: "batch", does: "fetch", id: item["id"] }) }
  }
  const changed =
    isRecord(value) && Array.isArray(value["data"]) ? { ...value, data: value["data"].map(own) } : own(value)
  return isChanged ? JSON.stringify(changed) : null
}

const itemsOf = (value: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  !isRecord(value) ? [] : Array.isArray(value["data"]) ? value["data"].filter(isRecord) : [value]

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
