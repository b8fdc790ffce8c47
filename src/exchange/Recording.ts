/**
 * Recording: what the ledger will have of one request, however it ends.
 */
import type { OpenRequest } from "../ledger/Ledger.ts"
import {
  nothingUsed,
  type Outcome,
  type RecordedUsage,
  type RequestIntent,
  type RequestRecord
} from "../message/RequestRecord.ts"
import type { Usage } from "../message/Usage.ts"
import { countsOf } from "../cache/ReportedUsage.ts"
import { cut, redact } from "../telemetry/Redaction.ts"
import type { ErrorAnswer } from "./ErrorAnswer.ts"
import type { Relay } from "./Relay.ts"
import type { Trail } from "./Trail.ts"

/** What the answer is made with, once it is made at all. */
interface Making {
  readonly relay: Relay
  readonly trail: Trail
  /** What the answer has used by now; null where nothing is known. */
  readonly spent: () => Usage | null
}

/** Longest type of an error that is kept. Characters. */
const longestType = 64

/** Of a request whose client went away before it was told anything. **Source:** nginx. */
const clientClosed = 499

export class Recording {
  readonly #intent: RequestIntent
  readonly #now: () => number
  readonly #settled: (usage: RecordedUsage) => void
  #open: OpenRequest | null = null
  #making: Making | null = null

  /** @param settled told what was used, each time that the record is settled */
  constructor(intent: RequestIntent, now: () => number, settled: (usage: RecordedUsage) => void = () => {}) {
    this.#intent = intent
    this.#now = now
    this.#settled = settled
  }

  /** What is known to have been used; null where nothing is. */
  readonly soFar = (): RecordedUsage | null => {
    const spent = this.#making?.spent() ?? null
    return spent === null ? null : recordedOf(spent)
  }

  opened(open: OpenRequest): void {
    this.#open = open
  }

  making(making: Making): void {
    this.#making = making
  }

  /** The answer is whole. */
  ok(stopReason: string, usage: Usage): void {
    this.#settle("ok", null, 200, stopReason, usage)
  }

  failed(error: ErrorAnswer): void {
    this.#settle("failed", error, this.#told(error.status), null, this.#making?.spent() ?? null)
  }

  /** The client went away. */
  closed(): void {
    this.#settle("client_closed", null, this.#told(clientClosed), null, this.#making?.spent() ?? null)
  }

  /** A status that went out stands; what is given whole is opened to nobody. */
  #told(status: number): number {
    return this.#intent.stream && this.#making?.relay.opened === true ? 200 : status
  }

  #settle(
    outcome: Outcome,
    error: ErrorAnswer | null,
    status: number,
    stopReason: string | null,
    usage: Usage | null
  ): void {
    const head = this.#making?.relay.head
    const attempts = this.#making?.trail.finish() ?? []
    const record: RequestRecord = {
      ...this.#intent,
      outcome,
      stopReason,
      status,
      error: error === null ? null : { type: cut(error.type, longestType), message: redact(error.message) },
      usage: usage === null ? nothingUsed : recordedOf(usage),
      reported: usage?.weir?.measured === undefined ? null : countsOf(usage),
      webSearches: usage?.server_tool_use?.web_search_requests ?? 0,
      credits: attempts.reduce<number | null>(
        (sum, { credits }) => (credits === null ? sum : (sum ?? 0) + credits),
        null
      ),
      phases: {
        queue: head?.queue ?? 0,
        upstreamHeader: head?.upstreamHeader ?? null,
        firstEvent: head?.firstEvent ?? null,
        total: this.#now() - this.#intent.time
      },
      attempts
    }
    this.#open?.settle(record)
    this.#settled(record.usage)
  }
}

/** The measured counts of an answer and where they come from. */
export const recordedOf = (usage: Usage): RecordedUsage => ({
  ...(usage.weir?.measured ?? countsOf(usage)),
  source: usage.weir?.source ?? "estimated",
  cacheSource: usage.weir?.cacheSource ?? "none"
})
