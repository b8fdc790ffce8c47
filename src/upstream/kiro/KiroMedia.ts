/**
 * KiroMedia: pictures and documents as the upstream takes them, inline and by format.
 *
 * Nothing is fetched on a client's behalf: a picture or document that is only an address or a file id is refused.
 * The bytes must be base64, and a picture whose first bytes name another format than its media type is refused, as
 * Anthropic refuses it; everything else about them is the upstream's to judge.
 *
 * **Source:** AWS's published `codewhisperer-streaming` model; limits of AWS's own clients.
 */
import { Result } from "effect"
import { Base64 } from "effect/encoding"
import { imageFormat } from "../../message/ImageSize.ts"
import type { DocumentBlock, ImageBlock } from "../../message/KnownBlock.ts"
import type { KiroDocument, KiroDocumentFormat, KiroImage, KiroImageFormat, RequestRefusal } from "./KiroModel.ts"

/** Most pictures in one message; more are refused. A whole conversation may hold more, and the upstream judges that. */
export const maxImagesPerMessage = 10
/** Most documents in one message, and the largest. Bytes, after decoding. */
export const maxDocumentsPerMessage = 5
export const maxDocumentBytes = 4.5 * 1024 * 1024
/** Largest picture. Bytes, after decoding. */
export const maxImageBytes = 10 * 1024 * 1024

const imageFormats: ReadonlyMap<string, KiroImageFormat> = new Map([
  ["image/jpeg", "jpeg"],
  ["image/jpg", "jpeg"],
  ["image/png", "png"],
  ["image/gif", "gif"],
  ["image/webp", "webp"]
])

/**
 * A picture from its source.
 *
 * @param path of the source, for the refusal
 */
export const imageOf = (source: ImageBlock["source"], path: string): Result.Result<KiroImage, RequestRefusal> => {
  if (source.type !== "base64") return refusedSource(path, "an image", source.type)
  const format = imageFormats.get(mediaType(source.media_type))
  if (format === undefined) {
    return Result.fail({
      path: `${path}.media_type`,
      message: `image type ${source.media_type} is not supported; supported are image/jpeg, image/png, image/gif and image/webp`
    })
  }
  if (source.data === "") return Result.fail({ path: `${path}.data`, message: "the image is empty" })
  if (!isBase64(source.data)) return Result.fail({ path: `${path}.data`, message: notBase64 })
  if (decodedLength(source.data) > maxImageBytes) {
    return Result.fail({ path: `${path}.data`, message: "the image is larger than 10 MiB" })
  }
  const actual = imageFormat(source.data)
  if (actual !== null && actual !== format) {
    const message = `the image is declared as ${source.media_type}, but its bytes are image/${actual}`
    return Result.fail({ path: `${path}.media_type`, message })
  }
  return Result.succeed({ format, source: { bytes: source.data } })
}

const documentFormats: ReadonlyMap<string, KiroDocumentFormat> = new Map([
  ["application/pdf", "pdf"],
  ["text/csv", "csv"],
  ["application/csv", "csv"],
  ["application/msword", "doc"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"],
  ["application/vnd.ms-excel", "xls"],
  ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"],
  ["text/html", "html"],
  ["application/xhtml+xml", "html"],
  ["text/markdown", "md"],
  ["text/x-markdown", "md"],
  ["application/json", "txt"],
  ["application/xml", "txt"]
])

/** The format of a document by its media type, or null where the upstream has none for it. Any other text is `txt`. */
export const documentFormat = (type: string): KiroDocumentFormat | null => {
  const bare = mediaType(type)
  return documentFormats.get(bare) ?? (bare.startsWith("text/") ? "txt" : null)
}

/** A document whose bytes or text stand in the request itself. */
export type InlineDocument = {
  readonly format: KiroDocumentFormat
  readonly data: { readonly kind: "base64"; readonly base64: string } | { readonly kind: "text"; readonly text: string }
}

/** A source that holds the document itself; one of content blocks is read by its blocks instead. */
export type DocumentSource = Exclude<DocumentBlock["source"], { readonly type: "content" }>

/**
 * A document from its source.
 *
 * @param path of the source, for the refusal
 */
export const inlineDocumentOf = (
  source: DocumentSource,
  path: string
): Result.Result<InlineDocument, RequestRefusal> => {
  if (source.type === "text") {
    return Result.succeed({
      format: documentFormat(source.media_type) ?? "txt",
      data: { kind: "text", text: source.data }
    })
  }
  if (source.type !== "base64") return refusedSource(path, "a document", source.type)
  const format = documentFormat(source.media_type)
  if (format === null) {
    return Result.fail({
      path: `${path}.media_type`,
      message: `document type ${source.media_type} is not supported; supported are pdf, csv, doc, docx, xls, xlsx, html, md and plain text`
    })
  }
  if (source.data === "") return Result.fail({ path: `${path}.data`, message: "the document is empty" })
  if (!isBase64(source.data)) return Result.fail({ path: `${path}.data`, message: notBase64 })
  return Result.succeed({ format, data: { kind: "base64", base64: source.data } })
}

/** How large a document is as the upstream gets it. Bytes. */
export const bytesOf = ({ data }: InlineDocument): number =>
  data.kind === "base64" ? decodedLength(data.base64) : utf8Length(data.text)

/** A document under a name, in the upstream's own form. */
export const kiroDocument = (name: string, document: InlineDocument): KiroDocument => ({
  name,
  format: document.format,
  source: { bytes: document.data.kind === "base64" ? document.data.base64 : Base64.encode(document.data.text) }
})

/** Names documents: safe to send, and each only once in a request. */
export const makeDocumentNames = (): ((title: string | null | undefined) => string) => {
  const taken = new Set<string>()
  return (title) => {
    const base = safeName(title ?? "") || "document"
    let name = base
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${base} (${n})`
    taken.add(name.toLowerCase())
    return name
  }
}

/** Whether the text is base64 of the standard alphabet, padded, without spaces or line breaks (RFC 4648 section 4). */
export const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

const notBase64 = "expected base64 of the standard alphabet, padded, without spaces or line breaks"

/** Bytes that base64 text decodes to. */
export const decodedLength = (base64: string): number => {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0
  return Math.floor((base64.length * 3) / 4) - padding
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length

const safeName = (title: string): string =>
  title
    .replace(/[^a-zA-Z0-9()[\]-]+/gu, " ")
    .trim()
    .slice(0, 100)
    .trim()

const mediaType = (type: string): string => type.split(";", 1)[0]?.trim().toLowerCase() ?? ""

const refusedSource = (path: string, what: string, type: string): Result.Result<never, RequestRefusal> =>
  Result.fail({ path, message: `${what} by ${type} is not supported by this upstream; send it as base64` })
