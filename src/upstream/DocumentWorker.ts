/**
 * DocumentWorker: reads documents in threads of their own, under bounds.
 *
 * Each document gets a fresh thread, without the environment and with bounded memory, that ends with it: by its
 * outcome, by the time limit, or with the request that wanted it. So nothing a document does outlasts it or reaches
 * another. Few are read at a time; the others wait, which counts as their callers' time and not as the document's.
 * At most one document of each request in flight waits, so their number is bounded by the gateway's own.
 *
 * **Gotchas**: the thread's code is the file `documents/DocumentReader` beside this one; a bundler must keep it.
 */
import { Duration, Effect, Layer, Schedule, Schema, type Scope, Semaphore } from "effect"
import { Worker } from "node:worker_threads"
import {
  type DocumentFile,
  type DocumentRefused,
  DocumentText,
  maxTextLength,
  plainText,
  refused
} from "./DocumentText.ts"
import type { ReadFormat, ReadJob } from "./documents/ReadJob.ts"

/** The bounds of reading; each has a default. */
export interface DocumentWorkerOptions {
  /** Longest time for one document, from its thread's start. @default 5 seconds */
  readonly timeLimit?: Duration.Input
  /** Most documents read at a time. @default 1 */
  readonly concurrency?: number
}

/** Most bytes that a document may decompress to. */
const maxInflatedBytes = 64 * 1024 * 1024
/** Most that a thread's heap may hold: the file and the largest part of a package, both as text, and some room. Bytes. */
const maxHeapBytes = 320 * 1024 * 1024
/**
 * The heap's hard limit, out of reach: a thread that comes to it may take the whole process with it, for V8 aborts where
 * it cannot unwind. So the heap is watched, and the thread ended long before. MiB.
 */
const hardHeapMib = 2048
/** What a thread holds outside of its heap before it decompresses anything, besides the file. Bytes. */
const idleBytes = 16 * 1024 * 1024

export const layerWith = (options: DocumentWorkerOptions): Layer.Layer<DocumentText> =>
  Layer.effect(
    DocumentText,
    Effect.gen(function* () {
      const timeLimit = Duration.fromInputUnsafe(options.timeLimit ?? "5 seconds")
      const semaphore = yield* Semaphore.make(options.concurrency ?? 1)
      const read = (job: ReadJob) =>
        Effect.scoped(
          Effect.flatMap(startWorker(job), (worker) => Effect.raceFirst(outcome(worker), overflow(worker, job)))
        ).pipe(
          Effect.timeoutOrElse({
            duration: timeLimit,
            orElse: () => refused(`the document took longer than ${Duration.toSeconds(timeLimit)} seconds to read`)
          }),
          semaphore.withPermit
        )
      return DocumentText.of({ extract: (document) => plainText(document) ?? extractWith(read, document) })
    })
  )

export const layer: Layer.Layer<DocumentText> = layerWith({})

const extractWith = (
  read: (job: ReadJob) => Effect.Effect<string, DocumentRefused>,
  { data, format }: DocumentFile
): Effect.Effect<string, DocumentRefused> =>
  isRead(format)
    ? read({ format, data, maxInflatedBytes, maxTextLength })
    : refused(`${format} files are not supported as text; send the document as pdf or ${format}x`)

const isRead = (format: DocumentFile["format"]): format is ReadFormat =>
  format === "pdf" || format === "docx" || format === "xlsx" || format === "html"

/** Ends in `.ts` where Node runs the sources, in `.js` where they were built. */
const readerUrl = new URL(`./documents/DocumentReader${import.meta.url.slice(-3)}`, import.meta.url)

const startWorker = (job: ReadJob): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const worker = new Worker(readerUrl, {
        workerData: job,
        env: {},
        execArgv: [],
        // What libraries print may hold text of the document, so it goes nowhere.
        stdout: true,
        stderr: true,
        resourceLimits: { maxOldGenerationSizeMb: hardHeapMib }
      })
      worker.stdout.resume()
      worker.stderr.resume()
      return worker
    }),
    (worker) => Effect.promise(() => worker.terminate())
  )

const Outcome = Schema.Union([Schema.Struct({ text: Schema.String }), Schema.Struct({ problem: Schema.String })])
const decodeOutcome = Schema.decodeUnknownEffect(Outcome)

/** What the thread posts. A thread that fails by itself, other than by its memory, is a fault of ours: a defect. */
const outcome = (worker: Worker): Effect.Effect<string, DocumentRefused> =>
  Effect.callback<unknown, DocumentRefused>((resume) => {
    worker.once("message", (message: unknown) => resume(Effect.succeed(message)))
    worker.once("error", (error) =>
      resume(
        "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? refused("the document takes too much memory to read")
          : Effect.die(error)
      )
    )
    worker.once("exit", () => resume(Effect.die(new Error("The document reader ended without an answer"))))
  }).pipe(
    Effect.flatMap((message) => Effect.orDie(decodeOutcome(message))),
    Effect.flatMap((outcome) => ("text" in outcome ? Effect.succeed(outcome.text) : refused(outcome.problem)))
  )

/**
 * Refuses once the thread holds too much, looked at often enough that it cannot hold much more in between.
 *
 * pdf.js has no bound on what it decompresses, and that lies outside of the heap; packages are bounded as they
 * decompress. What lies in the heap is bounded in our own readers by what they keep, in pdf.js only here.
 */
const overflow = (worker: Worker, job: ReadJob): Effect.Effect<never, DocumentRefused> => {
  const fileBytes = job.data.kind === "base64" ? job.data.base64.length : 0
  const maxOutsideBytes = job.format === "pdf" ? maxInflatedBytes + idleBytes + 2 * fileBytes : Infinity
  return Effect.tryPromise(() => worker.getHeapStatistics()).pipe(
    Effect.flatMap(({ external_memory, used_heap_size }) => {
      if (external_memory > maxOutsideBytes) {
        return refused(`the document unpacks to more than ${maxInflatedBytes / 1024 / 1024} MiB`)
      }
      return used_heap_size > maxHeapBytes ? refused("the document takes too much memory to read") : Effect.void
    }),
    // A thread that has ended holds nothing.
    Effect.catchTag("UnknownError", () => Effect.void),
    Effect.repeat(Schedule.spaced("25 millis")),
    Effect.andThen(Effect.never)
  )
}
