/**
 * LedgerThread: the ledger's records in a thread of their own, so that no page, no deletion and no batch of records holds
 * up the gateway's.
 *
 * **Details**
 *
 * The thread has its own connection to the file. It writes to the ledger's tables and nobody else does; both connections
 * wait for each other where they write at the same moment, the gateway's without holding up its thread.
 *
 * Should the thread end, calls fail, and the gateway says that its storage fails.
 */
import { Effect, Layer, Option, Schema, type Scope } from "effect"
import { Worker } from "node:worker_threads"
import { LedgerStore } from "../ledger/LedgerStore.ts"
import { StorageError } from "../message/StorageError.ts"
import { StorageUnusable } from "./StorageUnusable.ts"
import { Answer, type Call, close, ready } from "./LedgerThreadCall.ts"

/** Over the open SQLite file at `path` (absolute). */
export const layer = (path: string): Layer.Layer<LedgerStore, StorageUnusable> =>
  Layer.effect(
    LedgerStore,
    Effect.mapError(
      make(path),
      (error) => new StorageUnusable({ path, reason: "io", why: `${error.message}; its thread did not start` })
    )
  )

/** Ends in `.ts` where Node runs the sources, in `.js` where they were built. */
const mainUrl = new URL(`./LedgerThreadMain${import.meta.url.slice(-3)}`, import.meta.url)

type Settle = (result: Effect.Effect<Answer, StorageError>) => void

/** A call without its number. */
type Unnumbered = Call extends infer C ? (C extends Call ? Omit<C, "id"> : never) : never

const make = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<LedgerStore["Service"], StorageError, Scope.Scope> {
  /** Bounded by those that ask: the ledger's one writer, and people who look at pages. */
  const waiting = new Map<number, Settle>()
  let next = 0
  let ended: StorageError | null = null

  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(mainUrl, { workerData: path, env: {}, execArgv: [] })),
    (worker) =>
      Effect.andThen(
        closing(worker),
        Effect.promise(() => worker.terminate())
      )
  )
  const end = (cause: unknown): void => {
    ended ??= new StorageError({ operation: "reach the ledger's thread", cause })
    const error = ended
    for (const settle of waiting.values()) settle(Effect.fail(error))
    waiting.clear()
  }
  const started = Effect.callback<void, StorageError>((resume) => {
    worker.once("message", (message: unknown) => {
      if (message === ready) resume(Effect.void)
    })
    worker.once("error", (error) =>
      resume(Effect.fail(new StorageError({ operation: "open the ledger", cause: error })))
    )
  })
  worker.on("error", end)
  worker.on("exit", () => end(new Error("it has ended")))
  yield* started
  worker.on("message", (message: unknown) => {
    const answer = Option.getOrNull(asAnswer(message))
    if (answer === null) return end(new Error("it said what it cannot say"))
    waiting.get(answer.id)?.(Effect.succeed(answer))
    waiting.delete(answer.id)
  })

  const ask = (call: Unnumbered): Effect.Effect<Answer, StorageError> =>
    Effect.callback<Answer, StorageError>((resume) => {
      if (ended !== null) return resume(Effect.fail(ended))
      const id = next++
      waiting.set(id, resume)
      worker.postMessage({ ...call, id }, [])
      return Effect.sync(() => waiting.delete(id))
    }).pipe(
      Effect.flatMap((answer) =>
        "failed" in answer
          ? Effect.fail(new StorageError({ operation: answer.failed.operation, cause: new Error(answer.failed.why) }))
          : Effect.succeed(answer)
      )
    )
  const records = (call: Unnumbered) => Effect.map(ask(call), (answer) => ("records" in answer ? answer.records : []))

  return LedgerStore.of({
    check: Effect.asVoid(ask({ check: true })),
    used: (since) => Effect.map(ask({ used: { since } }), (answer) => ("uses" in answer ? answer.uses : [])),
    save: (saved) => Effect.asVoid(ask({ save: saved })),
    page: (query) => records({ page: query }),
    find: (id) => Effect.map(records({ find: id }), ([record]) => record ?? null),
    prune: (before, atMost) =>
      Effect.map(ask({ prune: { before, atMost } }), (answer) => ("pruned" in answer ? answer.pruned : 0))
  })
})

const asAnswer = Schema.decodeUnknownOption(Answer)

/** What was asked before is done; a thread that does not end by itself is ended. */
const closing = (worker: Worker): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (worker.threadId === -1) return resume(Effect.void)
    worker.once("exit", () => resume(Effect.void))
    worker.postMessage(close, [])
  }).pipe(Effect.timeoutOption("5 seconds"), Effect.asVoid)
