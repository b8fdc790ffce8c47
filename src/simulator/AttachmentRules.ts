/**
 * AttachmentRules: how many images and documents a message may have, how big, and of which kind.
 *
 * **Source:** limits that AWS's own clients keep to; `ValidationException` reasons of AWS's published model.
 */
import { type AwsError, improper } from "./AwsError.ts"
import type { KiroModel } from "./KiroModelList.ts"
import type { KiroRequest, UserInputMessage } from "./KiroShape.ts"

const MAX_IMAGES = 10
const MAX_IMAGE_BYTES = 10 * 1024 * 1024
const MAX_DOCUMENTS = 5
const MAX_DOCUMENT_BYTES = 4.5 * 1024 * 1024

/** The first rule about attachments that a request breaks, or null. */
export const findAttachmentFault = (request: KiroRequest, model: KiroModel): AwsError | null => {
  const { currentMessage, history } = request.conversationState
  for (const message of [...(history ?? []), currentMessage]) {
    if (!("userInputMessage" in message)) continue
    const fault = findImageFault(message.userInputMessage, model) ?? findDocumentFault(message.userInputMessage)
    if (fault !== null) return fault
  }
  return null
}

const findImageFault = (message: UserInputMessage, model: KiroModel): AwsError | null => {
  const images = message.images ?? []
  if (images.length === 0) return null
  if (!model.supportedInputTypes.includes("IMAGE")) return improper(`${model.modelId} takes no images`)
  if (images.length > MAX_IMAGES) {
    return improper(`${images.length} images in one message; ${MAX_IMAGES} may be`, "IMAGE_COUNT_EXCEEDED")
  }
  for (const { format, source } of images) {
    if (decodedLength(source.bytes) > MAX_IMAGE_BYTES) return improper("an image is too big", "IMAGE_SIZE_EXCEEDED")
    const actual = imageFormat(source.bytes)
    if (actual === null) return improper("an image is none", "IMAGE_FORMAT_UNSUPPORTED")
    if (actual !== format) return improper(`an image said to be ${format} is ${actual}`, "IMAGE_MIME_MISMATCH")
  }
  return null
}

const findDocumentFault = (message: UserInputMessage): AwsError | null => {
  const documents = message.documents ?? []
  if (documents.length > MAX_DOCUMENTS) {
    return improper(`${documents.length} documents in one message; ${MAX_DOCUMENTS} may be`, "DOCUMENT_COUNT_EXCEEDED")
  }
  if (new Set(documents.map((document) => document.name)).size !== documents.length) {
    return improper("two documents have the same name", "DOCUMENT_DUPLICATE_NAME")
  }
  return documents.some((document) => decodedLength(document.source.bytes) > MAX_DOCUMENT_BYTES)
    ? improper("a document is too big", "DOCUMENT_SIZE_EXCEEDED")
    : null
}

const decodedLength = (base64: string): number => Math.floor((base64.length * 3) / 4)

const imageFormat = (base64: string): "png" | "jpeg" | "gif" | "webp" | null => {
  const head = Buffer.from(base64.slice(0, 16), "base64").toString("latin1")
  if (head.startsWith("\x89PNG")) return "png"
  if (head.startsWith("\xff\xd8\xff")) return "jpeg"
  if (head.startsWith("GIF8")) return "gif"
  return head.startsWith("RIFF") && head.slice(8, 12) === "WEBP" ? "webp" : null
}
