/**
 * DocumentReader: what runs in the thread that `DocumentWorker` starts. Reads the one document it was started with and
 * posts its text, or why there is none.
 */
import { parentPort, workerData } from "node:worker_threads"
import type { ReadJob, ReadOutcome } from "./ReadJob.ts"
import { refuse, refusedProblem, TextSink } from "./ReadJob.ts"

const read = async ({ data, format, maxInflatedBytes, maxTextLength }: ReadJob): Promise<string> => {
  const sink = new TextSink(maxTextLength)
  if (format === "html") {
    const { htmlText } = await import("./HtmlText.ts")
    htmlText(
      data.kind === "text" ? data.text : new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(data.base64)),
      sink
    )
    return sink.finish()
  }
  if (data.kind === "text") return refuse(`the document is not a ${format} file`)
  const bytes = bytesOf(data.base64)
  if (format === "pdf") await (await import("./PdfText.ts")).pdfText(bytes, sink)
  else if (format === "docx") (await import("./DocxText.ts")).docxText(bytes, maxInflatedBytes, sink)
  else (await import("./XlsxText.ts")).xlsxText(bytes, maxInflatedBytes, sink)
  return sink.finish()
}

/** Strict, although Node's decoder is not: characters that it skips, other than line ends, are missed in the length. */
const bytesOf = (base64: string): Uint8Array => {
  const bytes = new Uint8Array(Buffer.from(base64, "base64"))
  let digits = 0
  for (let at = 0; at < base64.length; at++) if (!"\r\n=".includes(base64.charAt(at))) digits++
  return bytes.length === Math.floor((digits * 3) / 4) ? bytes : refuse("the document is not valid base64")
}

const job: ReadJob = workerData
const post = (outcome: ReadOutcome) => parentPort?.postMessage(outcome, [])
const fail = (error: unknown) =>
  post({
    problem:
      refusedProblem(error) ?? `the document could not be read as ${job.format}: it is broken or of another format`
  })

// A library may fail outside of the call that it was asked in.
process.once("uncaughtException", fail)
await read(job).then((text) => post({ text }), fail)
