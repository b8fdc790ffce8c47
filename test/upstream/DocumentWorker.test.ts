/** Real documents in real threads. Only the time of the limit is the test's own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Worker } from "node:worker_threads"
import { deflateSync } from "node:zlib"
import { type DocumentFile, DocumentText, maxTextLength } from "../../src/upstream/DocumentText.ts"
import * as DocumentWorker from "../../src/upstream/DocumentWorker.ts"
import {
  base64File,
  docx,
  endlessPdf,
  hungryPdf,
  paragraph,
  pdf,
  pdfLines,
  relations,
  textFile,
  xlsx,
  zip
} from "./documents/MadeFiles.ts"

const extract = (document: DocumentFile) => DocumentText.use((documents) => documents.extract(document))

const problem = (document: DocumentFile) => Effect.map(Effect.flip(extract(document)), (refused) => refused.problem)

/** The next thread that this process starts. */
const nextThread = Effect.callback<Worker>((resume) => {
  process.once("worker", (worker) => resume(Effect.succeed(worker)))
})

const ended = (worker: Worker) =>
  Effect.callback<void>((resume) => {
    if (worker.threadId === -1) resume(Effect.void)
    else worker.once("exit", () => resume(Effect.void))
  })

const broken = (format: string) => `the document could not be read as ${format}: it is broken or of another format`

/** With time enough to reach the other bounds on a busy machine. */
const patient = DocumentWorker.layerWith({ timeLimit: "15 seconds" })

describe("a document read in a thread", () => {
  it.live("gives the text of a PDF, page by page", () =>
    Effect.gen(function* () {
      const file = pdf([pdfLines("Hello", "world"), pdfLines("Page two")])
      assert.strictEqual(yield* extract(base64File("pdf", file)), "Hello\nworld\n\nPage two")
    }).pipe(Effect.provide(DocumentWorker.layer))
  )

  it.live("gives the text of docx, xlsx and html", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* extract(base64File("docx", docx(paragraph("Hello &amp; welcome")))), "Hello & welcome")
      const sheet = xlsx({ Numbers: `<row><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>` })
      assert.strictEqual(yield* extract(base64File("xlsx", sheet)), "# Numbers\n1\t2")
      assert.strictEqual(yield* extract(textFile("html", "<h1>Title</h1><p>Text</p>")), "Title\n\nText")
      assert.strictEqual(yield* extract(base64File("html", Buffer.from("<p>für &euro;1"))), "für €1")
    }).pipe(Effect.provide(DocumentWorker.layer))
  )

  it.live("is empty where it holds only pictures", () =>
    Effect.map(extract(base64File("pdf", pdf(["0 0 100 100 re f"]))), (text) => assert.strictEqual(text, "")).pipe(
      Effect.provide(DocumentWorker.layer)
    )
  )

  it.live("is refused where it is broken or something else", () =>
    Effect.gen(function* () {
      const junk = Buffer.from("This is no file of that kind.")
      const whole = docx(paragraph("Hello"))
      assert.strictEqual(yield* problem(base64File("pdf", junk)), broken("pdf"))
      assert.strictEqual(yield* problem(base64File("docx", junk)), broken("docx"))
      assert.strictEqual(yield* problem(base64File("docx", whole.subarray(0, whole.length / 2))), broken("docx"))
      assert.strictEqual(yield* problem(base64File("docx", zip([{ name: "a.txt", data: "a" }]))), broken("docx"))
      assert.strictEqual(yield* problem(base64File("xlsx", pdf([""]))), broken("xlsx"))
      assert.strictEqual(yield* problem(base64File("html", Uint8Array.of(0xff, 0xfe))), broken("html"))
      assert.strictEqual(yield* problem(textFile("pdf", "text")), "the document is not a pdf file")
      const data = { kind: "base64", base64: "%%%%" } as const
      assert.strictEqual(yield* problem({ format: "pdf", data }), "the document is not valid base64")
    }).pipe(Effect.provide(DocumentWorker.layer))
  )

  it.live("is refused without a thread where its format has no reader", () =>
    Effect.gen(function* () {
      const file = Buffer.from("0")
      assert.include(yield* problem(base64File("doc", file)), "send the document as pdf or docx")
      assert.include(yield* problem(base64File("xls", file)), "send the document as pdf or xlsx")
    }).pipe(Effect.provide(DocumentWorker.layer))
  )
})

describe("the bounds of reading", () => {
  it.live("stop a zip bomb, whatever size it claims", () =>
    Effect.gen(function* () {
      const bomb = zip([
        relations("_rels/.rels", ["rId1", "officeDocument", "word/document.xml"]),
        { name: "word/document.xml", data: Buffer.alloc(65 * 1024 * 1024, " "), claimedBytes: 100 }
      ])
      assert.strictEqual(yield* problem(base64File("docx", bomb)), "the document unpacks to more than 64 MiB")
    }).pipe(Effect.provide(DocumentWorker.layer))
  )

  it.live("stop a PDF that unpacks to hundreds of megabytes", () =>
    Effect.gen(function* () {
      const bomb = pdf([deflateSync(deflateSync(Buffer.alloc(512 * 1024 * 1024, " ")))])
      assert.isBelow(bomb.length, 10_000)
      assert.strictEqual(yield* problem(base64File("pdf", bomb)), "the document unpacks to more than 64 MiB")
    }).pipe(Effect.provide(patient))
  )

  it.live("stop a document that fills its thread's memory, and nothing else", () =>
    Effect.gen(function* () {
      const hungry = base64File("pdf", hungryPdf())
      assert.strictEqual(yield* problem(hungry), "the document takes too much memory to read")
      assert.strictEqual(yield* extract(textFile("html", "next")), "next")
    }).pipe(Effect.provide(patient))
  )

  it.live("refuse too much text instead of cutting it", () =>
    Effect.gen(function* () {
      const tooLong = "the document holds more than 200,000 characters of text"
      const words = "word ".repeat(maxTextLength / 5)
      assert.strictEqual(yield* problem(base64File("docx", docx(paragraph(`${words} more`)))), tooLong)
      assert.strictEqual(yield* problem(textFile("html", `<p>${words} more`)), tooLong)
      assert.strictEqual(yield* problem(base64File("pdf", pdf(Array.from({ length: 90 }, () => longPage)))), tooLong)
    }).pipe(Effect.provide(DocumentWorker.layer))
  )

  it.effect("end a document after 5 seconds, and its thread with it", () =>
    Effect.gen(function* () {
      const thread = yield* Effect.forkChild(nextThread, { startImmediately: true })
      const reading = yield* Effect.forkChild(problem(base64File("pdf", endlessPdf())))
      const worker = yield* Fiber.join(thread)
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(reading.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(reading), "the document took longer than 5 seconds to read")
      yield* ended(worker)
    }).pipe(Effect.provide(DocumentWorker.layer))
  )

  it.live("end a document that never ends by itself", () =>
    Effect.map(problem(base64File("pdf", endlessPdf())), (it) =>
      assert.strictEqual(it, "the document took longer than 1.5 seconds to read")
    ).pipe(Effect.provide(DocumentWorker.layerWith({ timeLimit: "1500 millis" })))
  )
})

describe("threads", () => {
  it.live("end with the request that wanted the document", () =>
    Effect.gen(function* () {
      const thread = yield* Effect.forkChild(nextThread, { startImmediately: true })
      const reading = yield* Effect.forkChild(extract(base64File("pdf", endlessPdf())))
      const worker = yield* Fiber.join(thread)
      yield* Fiber.interrupt(reading)
      yield* ended(worker)
      assert.strictEqual(yield* extract(textFile("html", "next")), "next")
    }).pipe(Effect.provide(DocumentWorker.layer))
  )

  it.live("run no more at a time than the layer allows, and every document comes through", () =>
    Effect.gen(function* () {
      let running = 0
      let most = 0
      const started = (worker: Worker) => {
        most = Math.max(most, ++running)
        worker.once("exit", () => running--)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("worker", started)),
        () => Effect.sync(() => process.off("worker", started))
      )
      const texts = yield* Effect.forEach(
        [1, 2, 3, 4, 5],
        (number) => extract(base64File("docx", docx(paragraph(`Number ${number}`)))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(texts, ["Number 1", "Number 2", "Number 3", "Number 4", "Number 5"])
      assert.strictEqual(most, 2)
    }).pipe(Effect.provide(DocumentWorker.layerWith({ concurrency: 2 })))
  )
})

/** A page of some 2,900 characters; lines below the paper are not read. */
const longPage = pdfLines(...Array.from({ length: 50 }, () => "0123456789".repeat(8)))
