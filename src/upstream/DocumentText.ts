/**
 * DocumentText: the text of a document, for models that take no documents.
 *
 * The port of whatever reads files. Text, Markdown and CSV are only decoded; the other formats need a reader, which
 * `DocumentWorker` runs in threads of their own. Hosts without threads take `layerRefusing`.
 */
import { Context, Effect, Layer, Result, Schema } from "effect"
import { Base64 } from "effect/encoding"

/** Longest text of one document; a longer one is refused, not cut. UTF-16 units. */
export const maxTextLength = 200_000

/** What a document may be. `doc` and `xls`, the binary formats of before 2007, have no reader and are refused. */
export type DocumentFormat = "pdf" | "csv" | "doc" | "docx" | "xls" | "xlsx" | "html" | "txt" | "md"

/** A document as the client sent it. */
export interface DocumentFile {
  readonly format: DocumentFormat
  readonly data: { readonly kind: "base64"; readonly base64: string } | { readonly kind: "text"; readonly text: string }
}

/** The document cannot be turned into text: it is broken, over a bound, or of a format that nothing here reads. */
export class DocumentRefused extends Schema.TaggedError<DocumentRefused>()("DocumentRefused", {
  /** What is wrong, as the rest of a sentence that names the block. Holds nothing of the document itself. */
  problem: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}

export class DocumentText extends Context.Service<
  DocumentText,
  {
    /** The document's text, of at most `maxTextLength`. Empty where it has none, as a scanned page. */
    readonly extract: (document: DocumentFile) => Effect.Effect<string, DocumentRefused>
  }
>()("weir/upstream/DocumentText") {
  /** Reads plain text and refuses files that need a reader. */
  static readonly layerRefusing: Layer.Layer<DocumentText> = Layer.succeed(DocumentText, {
    extract: (document) =>
      plainText(document) ?? refused(`the document is a ${document.format} file, which this gateway does not read`)
  })
}

/** A failure with this problem. */
export const refused = (problem: string): Effect.Effect<never, DocumentRefused> =>
  Effect.fail(new DocumentRefused({ problem }))

const tooLong = `the document holds more than ${maxTextLength.toLocaleString("en")} characters of text`

/** The text of a document that is text already; null where the format needs a reader. */
export const plainText = ({ data, format }: DocumentFile): Effect.Effect<string, DocumentRefused> | null => {
  if (format !== "txt" && format !== "md" && format !== "csv") return null
  if (data.kind === "text") return data.text.length > maxTextLength ? refused(tooLong) : Effect.succeed(data.text)
  // Three bytes of UTF-8 are at most one UTF-16 unit's, and make four characters of base64: nothing longer is decoded.
  return data.base64.length > maxTextLength * 4 + 4 ? refused(tooLong) : Effect.suspend(() => decoded(data.base64))
}

const decoded = (base64: string): Effect.Effect<string, DocumentRefused> => {
  const bytes = Base64.decode(base64)
  if (Result.isFailure(bytes)) return refused("the document is not valid base64")
  const text = Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes.success),
    catch: () => new DocumentRefused({ problem: "the document is not text in UTF-8" })
  })
  return Effect.flatMap(text, (text) => (text.length > maxTextLength ? refused(tooLong) : Effect.succeed(text)))
}
