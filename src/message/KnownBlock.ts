/**
 * KnownBlock: tells the content blocks that Weir acts on from those it only carries, in a way the types can follow.
 *
 * A block of an unknown type is described by its `type` alone, any string; so a plain `switch` over `type` narrows
 * nothing. After this guard it does.
 */
import {
  type ContentBlockParam,
  type DocumentBlockParam,
  type ImageBlockParam,
  type RedactedThinkingBlockParam,
  type SearchResultBlockParam,
  type ServerToolUseBlockParam,
  type TextBlockParam,
  type ThinkingBlockParam,
  type ToolResultBlockParam,
  type ToolResultContentParam,
  type ToolUseBlockParam,
  type WebSearchToolResultBlockParam,
  knownTypes
} from "./ContentBlockParam.ts"

/** A block with text of its own. */
export type TextBlock = typeof TextBlockParam.Type
/** A picture. */
export type ImageBlock = typeof ImageBlockParam.Type
/** A document: a file, a text, or content blocks. */
export type DocumentBlock = typeof DocumentBlockParam.Type
/** A search result that the client provides. */
export type SearchResultBlock = typeof SearchResultBlockParam.Type
/** The outcome of a web search that the server ran. */
export type WebSearchToolResultBlock = typeof WebSearchToolResultBlockParam.Type

/** A block whose members are described. */
export type KnownBlock =
  | TextBlock
  | ImageBlock
  | DocumentBlock
  | SearchResultBlock
  | typeof ThinkingBlockParam.Type
  | typeof RedactedThinkingBlockParam.Type
  | typeof ToolUseBlockParam.Type
  | ToolResultBlockParam
  | typeof ServerToolUseBlockParam.Type
  | WebSearchToolResultBlock

/** A block inside a tool result whose members are described. */
export type KnownResultBlock = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock

const knownInResult: ReadonlySet<string> = new Set<KnownResultBlock["type"]>([
  "text",
  "image",
  "document",
  "search_result"
])

/** Whether the members of a validated block are described. */
export const isKnownBlock = (block: ContentBlockParam): block is KnownBlock => knownTypes.has(block.type)

/** The same for a validated block inside a tool result. */
export const isKnownResultBlock = (block: ToolResultContentParam): block is KnownResultBlock =>
  knownInResult.has(block.type)
