/**
 * Ledger: the record of every request, from before an upstream is asked until after the answer has ended.
 *
 * What is settled has reached the operating system when `settle` returns, so that no client hears of an end that a crash
 * could undo. That costs one write to a journal; the tables are filled from there in batches, off the requests' way.
 *
 * **Details**
 *
 * Bounded: at most {@link waiting} settled records wait for the tables. Past it, and while journal or tables cannot be
 * written, no new request is opened; those that run end as they would, and nothing of them is lost but by a crash.
 * What client keys have used is counted in memory, for each key that was used since {@link useKept} days before the start.
 */
import { Clock, Context, Duration, Effect, Layer, Result, Schedule, type Scope, Semaphore } from "effect"
import { dayOf, KeyUse, spentOf, timeOf } from "../message/KeyUse.ts"
import type { RecordedUsage, RequestIntent, RequestRecord } from "../message/RequestRecord.ts"
import { StorageError } from "../message/StorageError.ts"
import * as Journal from "./Journal.ts"
import { JournalStore } from "./JournalStore.ts"
import { LedgerStore, type RecordQuery, useKept } from "./LedgerStore.ts"
import { Traffic, type TrafficSummary } from "./Traffic.ts"

/** A request that is under way. */
export interface OpenRequest {
  /** Its end. Only the first counts. */
  readonly settle: (record: RequestRecord) => void
}

export class Ledger extends Context.Service<
  Ledger,
  {
    /**
     * Begins a record.
     *
     * @param soFar what has been used, where anything is known; asked now and then
     */
    readonly open: (
      intent: RequestIntent,
      soFar: () => RecordedUsage | null
    ) => Effect.Effect<OpenRequest, StorageError>
    /** Settled records, the newest first. */
    readonly page: (query: RecordQuery) => Effect.Effect<ReadonlyArray<RequestRecord>, StorageError>
    readonly find: (id: string) => Effect.Effect<RequestRecord | null, StorageError>
    /** What a client key's settled requests have used; null where it has not used anything for two months. */
    readonly used: (keyId: string) => Pick<KeyUse, "in" | "lastAt"> | null
    /** Whether records can be kept; where not, no request is opened. */
    readonly isWorking: () => boolean
    /** What the last hour's requests came to, since the start. */
    readonly traffic: Effect.Effect<TrafficSummary>
    /**
     * Hears of each record as it is settled, for as long as the scope is open. Synchronous, on the hot path: to be quick
     * and never to fail.
     */
    readonly listen: (listener: (record: RequestRecord) => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("weir/ledger/Ledger") {
  /** @param retention how long a record is kept */
  static readonly layer = (
    retention: Duration.Duration
  ): Layer.Layer<Ledger, StorageError, JournalStore | LedgerStore> =>
    Layer.effect(
      Ledger,
      Effect.suspend(() => make(retention))
    )
}

/** Most settled records that wait for the tables. */
export const waiting = 16_384
/** From the journal to the tables. */
const pace = Duration.millis(200)
/** Records in one transaction: it holds the event loop. */
const batch = 50
/** Past so many characters the journal begins anew with what is still open. */
const journalLimit = 4 * 1024 * 1024
/** How often the usage of answers under way is noted, and old records are forgotten. */
const notePace = Duration.seconds(1)
const prunePace = Duration.minutes(1)
const pruned = 1_000

const make = Effect.fnUntraced(function* (
  retention: Duration.Duration
): Effect.fn.Return<Ledger["Service"], StorageError, JournalStore | LedgerStore | Scope.Scope> {
  const journal = yield* JournalStore
  const store = yield* LedgerStore
  const uses = new Uses()
  const traffic = new Traffic()
  // Bounded by who is built into the program.
  const listeners = new Set<(record: RequestRecord) => void>([(record) => traffic.note(record)])
  const book = new Book(journal, uses, (record) => {
    for (const listener of listeners) listener(record)
  })
  const turn = yield* Semaphore.make(1)

  const left = Journal.replay(yield* journal.load)
  if (left.unread > 0) yield* Effect.logWarning(`The ledger's journal held ${left.unread} lines that cannot be read`)
  for (let n = 0; n < left.records.length; n += batch) yield* store.save(left.records.slice(n, n + batch))
  yield* Effect.fromResult(journal.replace(""))
  for (const { day, keyId, lastAt, ...spent } of yield* store.used(dayOf(yield* Clock.currentTimeMillis) - useKept))
    uses.of(keyId).add(timeOf(day), spent, lastAt)

  const moveAll = Effect.fnUntraced(function* (limit: number) {
    book.write()
    let records = book.first(batch)
    if (records.length === 0) yield* store.check
    for (; records.length > 0; records = book.first(batch)) {
      yield* store.save(records)
      book.saved(records.length)
      // Requests go first.
      yield* Effect.yieldNow
    }
    yield* Effect.fromResult(book.trim(limit))
  }, turn.withPermit)
  const move = moveAll(journalLimit)

  const watched = Effect.matchEffect({
    onSuccess: () => (book.recovered() ? Effect.logInfo("Records of requests are kept again") : Effect.void),
    onFailure: (error: StorageError) =>
      book.failed()
        ? Effect.logError("Records of requests cannot be kept; no new request is served", error)
        : Effect.void
  })

  const prune = Effect.gen(function* () {
    const before = (yield* Clock.currentTimeMillis) - Duration.toMillis(retention)
    while ((yield* store.prune(before, pruned)) === pruned) yield* Effect.yieldNow
  }).pipe(Effect.catch((error) => Effect.logWarning("Old records of requests could not be forgotten", error)))

  yield* Effect.addFinalizer(() => watched(moveAll(0)))
  yield* Effect.forkScoped(Effect.repeat(watched(move), Schedule.spaced(pace)))
  yield* Effect.forkScoped(
    Effect.repeat(
      Effect.sync(() => book.note()),
      Schedule.spaced(notePace)
    )
  )
  yield* Effect.forkScoped(Effect.repeat(prune, Schedule.spaced(prunePace)))

  return Ledger.of({
    open: (intent, soFar) =>
      Effect.suspend(() => (book.isWorking ? Effect.succeed(book.open(intent, soFar)) : notKept)),
    page: (query) => Effect.andThen(move, store.page(query)),
    find: (id) => Effect.andThen(move, store.find(id)),
    used: (keyId) => uses.find(keyId),
    isWorking: () => book.isWorking,
    traffic: Effect.map(Clock.currentTimeMillis, (now) => traffic.summary(now)),
    listen: (listener) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => listeners.add(listener)),
          () => Effect.sync(() => listeners.delete(listener))
        )
      )
  })
})

const notKept = Effect.suspend(
  () => new StorageError({ operation: "open a record", cause: new Error("records of requests cannot be kept now") })
)

interface Open {
  readonly soFar: () => RecordedUsage | null
  /** What the journal holds of it. */
  readonly opened: string
  used: string
}

/** What client keys have used. */
class Uses {
  readonly #byKey = new Map<string, KeyUse>()

  find(keyId: string): KeyUse | null {
    return this.#byKey.get(keyId) ?? null
  }

  of(keyId: string): KeyUse {
    const use = this.#byKey.get(keyId) ?? new KeyUse()
    this.#byKey.set(keyId, use)
    return use
  }
}

/** What is not in the tables yet. */
class Book {
  readonly #journal: JournalStore["Service"]
  readonly #uses: Uses
  readonly #open = new Map<string, Open>()
  #settled: Array<RequestRecord> = []
  /** Lines that may wait for the next ones. */
  #lines = ""
  #size = 0
  /** The journal lacks something. */
  #isTorn = false
  #hasFailed = false

  readonly #settledOne: (record: RequestRecord) => void

  constructor(journal: JournalStore["Service"], uses: Uses, settledOne: (record: RequestRecord) => void) {
    this.#journal = journal
    this.#uses = uses
    this.#settledOne = settledOne
  }

  get isWorking(): boolean {
    return !this.#hasFailed && !this.#isTorn && this.#settled.length < waiting
  }

  open(intent: RequestIntent, soFar: () => RecordedUsage | null): OpenRequest {
    const opened = Journal.opened(intent)
    this.#open.set(intent.id, { soFar, opened, used: "" })
    this.#lines += opened
    return {
      settle: (record) => {
        if (!this.#open.delete(intent.id)) return
        this.#settled.push(record)
        if (record.keyId !== null) this.#uses.of(record.keyId).add(record.time, spentOf(record))
        this.#lines += Journal.settled(record)
        this.write()
        this.#settledOne(record)
      }
    }
  }

  /** Writes down what answers under way have used by now. */
  note(): void {
    for (const [id, request] of this.#open) {
      const usage = request.soFar()
      const used = usage === null ? "" : Journal.used(id, usage)
      if (used === request.used) continue
      request.used = used
      this.#lines += used
    }
  }

  write(): void {
    const lines = this.#lines
    this.#lines = ""
    if (lines === "" || this.#isTorn) return
    this.#size += lines.length
    if (Result.isFailure(this.#journal.append(lines))) this.#isTorn = true
  }

  /** The first of those that wait for the tables. */
  first(count: number): ReadonlyArray<RequestRecord> {
    return this.#settled.slice(0, count)
  }

  saved(count: number): void {
    this.#settled = this.#settled.slice(count)
  }

  /** The journal begins anew once it is long, where it lacks something, and where nothing is open any more at the end. */
  trim(limit: number): Result.Result<void, StorageError> {
    if (this.#size <= limit && !this.#isTorn) return Result.void
    const open = Array.from(this.#open.values(), ({ opened, used }) => opened + used)
    const lines = [...open, ...this.#settled.map(Journal.settled)].join("")
    return Result.map(this.#journal.replace(lines), () => {
      this.#size = lines.length
      this.#lines = ""
      this.#isTorn = false
    })
  }

  /** Whether that is news. */
  failed(): boolean {
    const isNews = !this.#hasFailed
    this.#hasFailed = true
    return isNews
  }

  /** Whether that is news. */
  recovered(): boolean {
    const isNews = this.#hasFailed
    this.#hasFailed = false
    return isNews
  }
}
