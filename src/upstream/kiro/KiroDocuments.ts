/**
 * KiroDocuments: the documents of a request, for an upstream model that reads none: whoever can turns them into text.
 */
import { Result } from "effect"
import type { ContentBlockParam, ToolResultContentParam } from "../../message/ContentBlockParam.ts"
import { type DocumentBlock, isKnownBlock, isKnownResultBlock, type TextBlock } from "../../message/KnownBlock.ts"
import type { MessagesRequest } from "../../message/MessagesRequest.ts"
import { type InlineDocument, inlineDocumentOf } from "./KiroMedia.ts"

/** A document to turn into text. */
export interface DocumentPart extends InlineDocument {
  /** Of its block, for example `messages.0.content.1`. */
  readonly path: string
  readonly title: string | null
}

/**
 * The documents whose bytes or text stand in the request, in order. Not among them are documents of content blocks,
 * which need no reading, and those that `convertRequest` refuses.
 */
export const documentsOf = (request: MessagesRequest): ReadonlyArray<DocumentPart> => {
  const parts: Array<DocumentPart> = []
  visitDocuments(request, (part) => {
    parts.push(part)
    return null
  })
  return parts
}

/**
 * The request with each of its documents replaced by a text block, headed by title, format and length.
 *
 * @param texts one for each of `documentsOf(request)`, in the same order
 */
export const withDocumentTexts = (request: MessagesRequest, texts: ReadonlyArray<string>): MessagesRequest => {
  let index = 0
  return visitDocuments(request, (part, block) => {
    const text = texts[index++] ?? ""
    const title = part.title === null ? "" : ` "${part.title}"`
    const lines = [`[document${title}, ${part.format}, ${text.length} characters]`, block.context ?? "", text]
    return {
      type: "text",
      text: lines.filter((line) => line !== "").join("\n"),
      ...(block.cache_control ? { cache_control: block.cache_control } : {})
    }
  })
}

type Replace = (part: DocumentPart, block: DocumentBlock) => TextBlock | null

const visitDocuments = (request: MessagesRequest, replace: Replace): MessagesRequest => {
  const [first, ...others] = request.messages
  const visit = (message: MessagesRequest["messages"][number], index: number) =>
    typeof message.content === "string"
      ? message
      : {
          ...message,
          content: message.content.map((block, at) => visitBlock(block, `messages.${index}.content.${at}`, replace))
        }
  const head = visit(first, 0)
  return { ...request, messages: [head, ...others.map((message, index) => visit(message, index + 1))] }
}

const visitBlock = (block: ContentBlockParam, path: string, replace: Replace): ContentBlockParam => {
  if (!isKnownBlock(block)) return block
  if (block.type === "document") return visitDocument(block, path, replace)
  if (block.type !== "tool_result" || typeof block.content === "string" || !block.content) return block
  const content = block.content.map((inner, index): ToolResultContentParam =>
    isKnownResultBlock(inner) && inner.type === "document"
      ? visitDocument(inner, `${path}.content.${index}`, replace)
      : inner
  )
  return { ...block, content }
}

const visitDocument = (block: DocumentBlock, path: string, replace: Replace): DocumentBlock | TextBlock => {
  if (block.source.type === "content") return block
  const document = inlineDocumentOf(block.source, `${path}.source`)
  if (Result.isFailure(document)) return block
  return replace({ path, title: block.title ?? null, ...document.success }, block) ?? block
}
