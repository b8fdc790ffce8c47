/**
 * KiroBlockText: content blocks that the upstream has no place for, as text that the model reads.
 */
import { Result } from "effect"
import { Base64 } from "effect/encoding"
import type { SearchResultBlock, WebSearchToolResultBlock } from "../../message/KnownBlock.ts"

/** A call that can't be sent as a call. */
export const callText = (call: { readonly name: string; readonly input: unknown }): string =>
  `[called the tool ${call.name} with ${JSON.stringify(call.input ?? {})}]`

/** An answer that can't be sent as the answer of a call. */
export const answerText = (answer: { readonly id: string; readonly text: string; readonly isError: boolean }): string =>
  `[${answer.isError ? "failed " : ""}result of the tool call ${answer.id}]\n${answer.text}`

/** Thinking that can't be sent as signed reasoning; empty for none. */
export const thinkingText = (thinking: string): string =>
  thinking.trim() === "" ? "" : `<thinking>${thinking}</thinking>`

/** A block of a type that is not known, as its JSON; empty for kinds of thinking, which are no text. */
export const unknownBlockText = (block: { readonly type: string }): string =>
  block.type.includes("thinking")
    ? ""
    : JSON.stringify(block, (key: string, value: unknown) => (key === "cache_control" ? undefined : value))

/** The text of a search result that the client provides. */
export const searchResultText = (block: SearchResultBlock): string =>
  [`[search result: ${block.title} (${block.source})]`, ...block.content.map((part) => part.text)].join("\n")

/** What a web search found, or the code of its failure. */
export const webSearchText = (content: WebSearchToolResultBlock["content"]): string => {
  if (!isList(content)) return `The search failed: ${content.error_code}`
  if (content.length === 0) return "The search found nothing."
  return content
    .map((result, index) =>
      [`${index + 1}. ${result.title}`, result.url, result.page_age, snippetOf(result.encrypted_content)]
        .filter((line) => typeof line === "string" && line !== "")
        .join("\n")
    )
    .join("\n\n")
}

/** Whether the content of a web search result tells of a failure. */
export const isSearchFailure = (content: WebSearchToolResultBlock["content"]): boolean => !isList(content)

const isList = (
  content: WebSearchToolResultBlock["content"]
): content is Extract<WebSearchToolResultBlock["content"], ReadonlyArray<unknown>> => Array.isArray(content)

/**
 * The excerpt inside `encrypted_content`, or null where it is not ours. A search that Weir ran carries the excerpt
 * there as base64 of UTF-8; one that Anthropic ran carries what only Anthropic can read, and that is not readable
 * UTF-8.
 */
const snippetOf = (encrypted: string): string | null => {
  const bytes = Base64.decode(encrypted)
  if (Result.isFailure(bytes)) return null
  const text = new TextDecoder().decode(bytes.success)
  return unreadable.test(text) ? null : text
}

/** Control characters, and what stands for bytes that are not UTF-8. */
const unreadable = /[^\P{Cc}\n\r\t]|\uFFFD/u
