/**
 * PdfText: the text of a PDF's pages, by pdf.js, with an empty line between pages.
 *
 * Nothing is drawn and no picture is decoded. Pages are read as a stream, so that too much text stops the reading
 * within a page. What pdf.js decompresses lies outside of the heap; `DocumentWorker` watches it.
 */
import { getDocumentProxy } from "unpdf"
import { refuse, type TextSink } from "./ReadJob.ts"

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>

/** A piece of a page's text, as pdf.js gives it; marks of structure have no `str`. */
interface TextChunk {
  readonly items: ReadonlyArray<{ readonly str?: string; readonly hasEOL?: boolean }>
}

export const pdfText = async (bytes: Uint8Array, sink: TextSink): Promise<void> => {
  for await (const text of textsOf(await open(bytes))) sink.write(text)
}

const open = (bytes: Uint8Array): Promise<Pdf> =>
  getDocumentProxy(bytes, {
    verbosity: 0,
    disableFontFace: true,
    useSystemFonts: false,
    isOffscreenCanvasSupported: false,
    isImageDecoderSupported: false,
    enableXfa: false
  }).catch((error: unknown) =>
    error instanceof Error && error.name === "PasswordException"
      ? refuse("the document is protected by a password")
      : Promise.reject(error)
  )

async function* textsOf(pdf: Pdf): AsyncGenerator<string> {
  for (let number = 1; number <= pdf.numPages; number++) yield* pageTexts(pdf, number)
}

async function* pageTexts(pdf: Pdf, number: number): AsyncGenerator<string> {
  const page = await pdf.getPage(number)
  for await (const chunk of chunksOf(page.streamTextContent())) {
    for (const { hasEOL, str } of chunk.items) yield (str ?? "") + (hasEOL === true ? "\n" : "")
  }
  yield "\n\n"
  page.cleanup()
}

/** The stream is untyped in pdf.js. */
const chunksOf = (stream: AsyncIterable<TextChunk>): AsyncIterable<TextChunk> => stream
