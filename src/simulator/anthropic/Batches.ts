/**
 * Batches: messages that each account has asked for in one go.
 *
 * A batch is in progress until it is ended, which may be when it is made. What was not answered when it was canceled
 * stays unanswered.
 *
 * **Source:** `MessageBatch` and its results of `@anthropic-ai/sdk` 1.12.
 */
import { DateTime } from "effect"
import { makeId } from "./Answering.ts"
import type { JsonObject } from "./Shape.ts"

/** Batches kept, and the requests in all of them; past either the oldest are forgotten. */
const MAX_BATCHES = 1_000
const MAX_KEPT_REQUESTS = 100_000
const DAY_MS = 86_400_000

/** How one request of a batch ended. */
export type BatchResult =
  | { readonly type: "succeeded"; readonly message: JsonObject }
  | { readonly type: "errored"; readonly error: unknown }
  | { readonly type: "canceled" }

export interface BatchRequest {
  readonly custom_id: string
  readonly params: JsonObject
}

interface Batch {
  readonly id: string
  readonly account: string
  readonly requests: ReadonlyArray<BatchRequest>
  /** Answers one request, at the end. */
  readonly answer: (params: JsonObject) => BatchResult
  readonly createdAt: number
  canceledAt: number | null
  endedAt: number | null
  results: ReadonlyArray<{ readonly custom_id: string; readonly result: BatchResult }>
}

export class Batches {
  readonly #batches = new Map<string, Batch>()
  #kept = 0

  /** Makes a batch that is in progress. */
  create(account: string, requests: ReadonlyArray<BatchRequest>, answer: Batch["answer"], now: number): Batch {
    const batch: Batch = {
      id: makeId("msgbatch"),
      account,
      requests,
      answer,
      createdAt: now,
      canceledAt: null,
      endedAt: null,
      results: []
    }
    this.#batches.set(batch.id, batch)
    this.#kept += requests.length
    for (const oldest of this.#batches.values()) {
      if ((this.#batches.size <= MAX_BATCHES && this.#kept <= MAX_KEPT_REQUESTS) || oldest === batch) break
      this.remove(oldest)
    }
    return batch
  }

  /** A batch of this account's. */
  find(account: string, id: string): Batch | undefined {
    const batch = this.#batches.get(id)
    return batch?.account === account ? batch : undefined
  }

  /** The batches of an account, newest first. */
  list(account: string): ReadonlyArray<Batch> {
    return [...this.#batches.values()].filter((batch) => batch.account === account).toReversed()
  }

  /** Ends a batch: answers its requests, or those of a canceled one with that. */
  end(batch: Batch, now: number): void {
    if (batch.endedAt !== null) return
    batch.endedAt = now
    batch.results = batch.requests.map(({ custom_id, params }) => ({
      custom_id,
      result: batch.canceledAt === null ? batch.answer(params) : { type: "canceled" }
    }))
  }

  /** Ends all that are in progress. */
  endAll(now: number): void {
    for (const batch of this.#batches.values()) this.end(batch, now)
  }

  /** Forgets a batch. */
  remove(batch: Batch): void {
    if (this.#batches.delete(batch.id)) this.#kept -= batch.requests.length
  }
}

/** A batch in the words of the API. */
export const describeBatch = (batch: Batch, origin: string) => {
  const { canceledAt, createdAt, endedAt, id, requests, results } = batch
  const count = (type: BatchResult["type"]) => results.filter(({ result }) => result.type === type).length
  return {
    id,
    type: "message_batch",
    processing_status: endedAt !== null ? "ended" : canceledAt === null ? "in_progress" : "canceling",
    request_counts: {
      processing: endedAt === null ? requests.length : 0,
      succeeded: count("succeeded"),
      errored: count("errored"),
      canceled: count("canceled"),
      expired: 0
    },
    created_at: timeOf(createdAt),
    expires_at: timeOf(createdAt + DAY_MS),
    ended_at: endedAt === null ? null : timeOf(endedAt),
    cancel_initiated_at: canceledAt === null ? null : timeOf(canceledAt),
    archived_at: null,
    results_url: endedAt === null ? null : `${origin}/v1/messages/batches/${id}/results`
  }
}

const timeOf = (ms: number): string => DateTime.formatIso(DateTime.makeUnsafe(ms))
