/**
 * AnthropicUsage: the `usage` of an Anthropic answer, read for accounting, and written back with what the client is told.
 * Pure.
 *
 * The figures are the upstream's own. Only those are written that it did not give, or that an operator's policy changes;
 * whatever else stands in `usage` stays as it is.
 *
 * **Source:** Anthropic Messages API, `Usage`.
 */
import { isRecord } from "../../message/JsonRecord.ts"
import type { TokenCounts, UpstreamUsage, Usage } from "../../message/Usage.ts"

/** `usage` as it was parsed. */
export type RawUsage = Readonly<Record<string, unknown>>

/** The usage of a parsed message or event; empty where it has none. */
export const usageIn = (value: unknown): RawUsage => (isRecord(value) && isRecord(value["usage"]) ? value["usage"] : {})

/** What accounting reads of it; what is no number was not given. */
export const readUsage = (raw: RawUsage): UpstreamUsage => {
  const creation = isRecord(raw["cache_creation"]) ? raw["cache_creation"] : {}
  return {
    ...given("uncachedInputTokens", raw["input_tokens"]),
    ...given("outputTokens", raw["output_tokens"]),
    ...given("cacheReadInputTokens", raw["cache_read_input_tokens"]),
    ...given("cacheWriteInputTokens", raw["cache_creation_input_tokens"]),
    ...given("cacheWriteHourInputTokens", creation[hour])
  }
}

/** Searches that the upstream counts. */
export const webSearchesIn = (raw: RawUsage): number => {
  const used = isRecord(raw["server_tool_use"]) ? raw["server_tool_use"]["web_search_requests"] : 0
  return typeof used === "number" ? used : 0
}

const five = "ephemeral_5m_input_tokens"
const hour = "ephemeral_1h_input_tokens"

const counts: ReadonlyArray<keyof TokenCounts> = [
  "input_tokens",
  "output_tokens",
  "cache_creation_input_tokens",
  "cache_read_input_tokens"
]

/**
 * Members of `usage` that have to be set so that it says what the client is told.
 *
 * @param raw what the answer says by itself
 */
export const toldMembers = (raw: RawUsage, usage: Usage): RawUsage => {
  const members: Record<string, unknown> = {}
  // What is null or was not said counts as none, and stays so where it is none.
  for (const name of counts) if ((raw[name] ?? 0) !== usage[name]) members[name] = usage[name]
  const before = isRecord(raw["cache_creation"]) ? raw["cache_creation"] : null
  const { cache_creation: told } = usage
  const differs = before !== null && (before[five] !== told[five] || before[hour] !== told[hour])
  if (differs || "cache_creation_input_tokens" in members) members["cache_creation"] = { ...before, ...told }
  return { ...members, ...(usage.weir === undefined ? {} : { weir: usage.weir }) }
}

const given = (name: keyof UpstreamUsage, value: unknown): UpstreamUsage =>
  typeof value === "number" ? { [name]: value } : {}
