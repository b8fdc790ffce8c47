/**
 * KiroAttachments: puts pictures and documents onto the turn they belong to, and remembers the first that can't go.
 */
import { Result } from "effect"
import type { DocumentBlock, ImageBlock } from "../../message/KnownBlock.ts"
import {
  bytesOf,
  imageOf,
  inlineDocumentOf,
  kiroDocument,
  makeDocumentNames,
  maxDocumentBytes,
  maxDocumentsPerMessage,
  maxImagesPerMessage
} from "./KiroMedia.ts"
import type { RequestRefusal } from "./KiroModel.ts"
import type { UserTurn } from "./KiroTurns.ts"

/** The attachments of one request. */
export interface Attachments {
  readonly addImage: (turn: UserTurn, block: ImageBlock, path: string) => void
  /**
   * Adds a document and returns what has to be said about it in its place.
   *
   * @param mention `named` to say in any case that it is there, as inside a tool's answer
   */
  readonly addDocument: (turn: UserTurn, block: DocumentBlock, path: string, mention?: "named") => ReadonlyArray<string>
  /** The first attachment that can't go to this upstream. */
  readonly refusal: () => RequestRefusal | null
}

/** @param documents whether documents travel as documents; otherwise only those that are text are taken, as text */
export const makeAttachments = (documents: "native" | "text"): Attachments => {
  const nameOf = makeDocumentNames()
  let refusal: RequestRefusal | null = null

  const addImage = (turn: UserTurn, block: ImageBlock, path: string): void => {
    const image = imageOf(block.source, `${path}.source`)
    if (Result.isFailure(image)) {
      refusal ??= image.failure
    } else if (turn.images.length === maxImagesPerMessage) {
      refusal ??= { path, message: `more than ${maxImagesPerMessage} images in one message` }
    } else {
      turn.images.push(image.success)
    }
  }

  const addDocument: Attachments["addDocument"] = (turn, block, path, mention) => {
    const { source } = block
    if (source.type === "content") {
      return [...heading(block), ...addContent(turn, source.content, `${path}.source.content`)]
    }
    const document = inlineDocumentOf(source, `${path}.source`)
    if (Result.isFailure(document)) {
      refusal ??= document.failure
      return []
    }
    const { data } = document.success
    if (documents === "native") {
      if (turn.documents.length === maxDocumentsPerMessage) {
        refusal ??= { path, message: `more than ${maxDocumentsPerMessage} documents in one message` }
        return []
      }
      if (bytesOf(document.success) > maxDocumentBytes) {
        refusal ??= { path: `${path}.source.data`, message: "the document is larger than 4.5 MiB" }
        return []
      }
      const name = nameOf(block.title)
      turn.documents.push(kiroDocument(name, document.success))
      return nativeHeading(block, name, mention)
    }
    if (data.kind === "text") return [...heading(block), data.text]
    refusal ??= { path: `${path}.source`, message: "the document can't be read as text" }
    return []
  }

  const addContent = (
    turn: UserTurn,
    content: Extract<DocumentBlock["source"], { readonly type: "content" }>["content"],
    path: string
  ): ReadonlyArray<string> => {
    if (typeof content === "string") return [content]
    return content.flatMap((part, index) => {
      if (part.type === "text") return [part.text]
      addImage(turn, part, `${path}.${index}`)
      return []
    })
  }

  return { addImage, addDocument, refusal: () => refusal }
}

/** What introduces a document that is sent as text. */
const heading = (block: DocumentBlock): ReadonlyArray<string> => {
  const lines = [block.title ? `[document: ${block.title}]` : "[document]"]
  if (block.context) lines.push(block.context)
  return lines
}

/** What a document's own name and bytes can't say: a title that is no valid name, and the context. */
const nativeHeading = (block: DocumentBlock, name: string, mention?: "named"): ReadonlyArray<string> => {
  const title = block.title ?? ""
  const lines: Array<string> = []
  if (title !== "" && title !== name) lines.push(`[document ${name}: ${title}]`)
  else if (mention === "named" || block.context) lines.push(`[document ${name}]`)
  if (block.context) lines.push(block.context)
  return lines
}
