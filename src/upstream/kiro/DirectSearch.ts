/**
 * DirectSearch: a request that is nothing but a web search, as Claude Code's search tool sends it.
 *
 * Where a web search is the only tool, the latest user turn is the query. The answer is the result itself and says so;
 * no model has read it.
 */
import { isKnownBlock } from "../../message/KnownBlock.ts"
import type { MessagesRequest } from "../../message/MessagesRequest.ts"
import { resultText, type SearchOutcome } from "./KiroWebSearch.ts"
import { searchTool } from "./SearchTool.ts"

const claudeCodePrefix = "Perform a web search for the query:"

/** The query, or null where the request is for the model: other tools, none allowed, or nothing to search for. */
export const directQuery = (request: MessagesRequest): string | null => {
  const tools = request.tools ?? []
  if (tools.length !== 1 || searchTool(request) === undefined) return null
  if (request.tool_choice?.type === "none") return null
  const latest = request.messages.findLast((message) => message.role === "user")
  if (latest === undefined) return null
  const text = typeof latest.content === "string" ? latest.content : lastText(latest.content)
  const trimmed = text.trim()
  const query = trimmed.startsWith(claudeCodePrefix) ? trimmed.slice(claudeCodePrefix.length).trim() : trimmed
  return query === "" ? null : query
}

const lastText = (content: Exclude<MessagesRequest["messages"][number]["content"], string>): string => {
  const block = content.findLast((block) => isKnownBlock(block) && block.type === "text")
  return block !== undefined && isKnownBlock(block) && block.type === "text" ? block.text : ""
}

/** The words that go with the result blocks. */
export const directText = (query: string, outcome: SearchOutcome): string =>
  outcome.kind === "failed" ? resultText(outcome) : `Web search results for "${query}":\n\n${resultText(outcome)}`
