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
import type { UpstreamUsage, Usage } from "../message/Usage.ts"
import { countsOf } from "../cache/ReportedUsage.ts"
import type { ErrorAnswer } from "./ErrorAnswer.ts"
import type { Relay } from "./Relay.ts"
import type { Trail } from "./Trail.ts"

/** What an answer that is under way has used by now. */
export interface Spent {
  readonly usage: Usage
  readonly credits: number | null
}

/** What the answer is made with, once it is made at all. */
interface Making {
  readonly relay: Relay
  readonly trail: Trail
  readonly spent: () => Spent | null
}

/** Of a request whose client went away before it was told anything. **Source:** nginx. */
const clientClosed = 499

export class Recording {
  readonly #intent: RequestIntent
  readonly #now: () => number
  #open: OpenRequest | null = null
  #making: Making | null = null

  constructor(intent: RequestIntent, now: () => number) {
    this.#intent = intent
    this.#now = now
  }

  /** What is known to have been used; null where nothing is. */
  readonly soFar = (): RecordedUsage | null => {
    const spent = this.#making?.spent() ?? null
    return spent === null ? null : measuredOf(spent.usage)
  }

  opened(open: OpenRequest): void {
    this.#open = open
  }

  making(making: Making): void {
    this.#making = making
  }

  /** The answer is whole. */
  ok(stopReason: string, usage: Usage, reported: UpstreamUsage): void {
    this.#settle("ok", null, 200, stopReason, { usage, credits: reported.credits ?? null })
  }

  failed(error: ErrorAnswer): void {
    this.#settle("failed", error, this.#told(error.status), null, this.#making?.spent() ?? null)
  }

  /** The client went away. */
  closed(): void {
    this.#settle("client_closed", null, this.#told(clientClosed), null, this.#making?.spent() ?? null)
  }

  /** A status that went out stands. */
  #told(status: number): number {
    return this.#making?.relay.opened === true ? 200 : status
  }

  #settle(
    outcome: Outcome,
    error: ErrorAnswer | null,
    status: number,
    stopReason: string | null,
    spent: Spent | null
  ): void {
    const head = this.#making?.relay.head
    const record: RequestRecord = {
      ...this.#intent,
      outcome,
      stopReason,
      status,
      error: error === null ? null : { type: error.type, message: error.message },
      usage: spent === null ? nothingUsed : measuredOf(spent.usage),
      reported: spent?.usage.weir?.measured === undefined ? null : countsOf(spent.usage),
      credits: spent?.credits ?? null,
      phases: {
        queue: head?.queue ?? 0,
        upstreamHeader: head?.upstreamHeader ?? null,
        firstEvent: head?.firstEvent ?? null,
        total: this.#now() - this.#intent.time
      },
      attempts: this.#making?.trail.finish() ?? []
    }
    this.#open?.settle(record)
  }
}

const measuredOf = (usage: Usage): RecordedUsage => ({
  ...(usage.weir?.measured ?? countsOf(usage)),
  source: usage.weir?.source ?? "estimated",
  cacheSource: usage.weir?.cacheSource ?? "none"
})
