/**
 * SeenRequest: one request as it came, and what became of it.
 */
import type { Ending, Mutable } from "../Observation.ts"
import type { ApiError } from "./ApiError.ts"
import type { Operation } from "./Script.ts"
import type { JsonObject } from "./Shape.ts"

export interface SeenRequest {
  /** Null: a path that is none of these. */
  readonly operation: Operation | null
  readonly method: string
  /** Path with query. */
  readonly path: string
  /** By lower-case name; of a header that came more than once, its values joined. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** All of them as they came: in order, in their letters, each as often as it was sent. */
  readonly rawHeaders: ReadonlyArray<readonly [name: string, value: string]>
  /** The body's text, whole. */
  readonly body: string
  readonly bodyBytes: number
  /** The key that was presented; null where there was none. */
  readonly token: string | null
  /** The name of the account that was answered; null: nobody was. */
  readonly account: string | null
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** What the answer's `request-id` says, or would have said. */
  readonly requestId: string
  /** Null until headers went out. */
  readonly status: number | null
  /** The beginning of the answer's body, at most 64 KiB, as far as it was sent. */
  readonly answer: string
  /** Why the simulator refused it of its own accord, or null. */
  readonly refused: ApiError | null
  /** The usage of an answer that ended; null for any other. */
  readonly usage: JsonObject | null
  /** Bytes of the answer's body that were handed to the socket. */
  readonly sentBytes: number
  /** `disconnected`: the client went away before the end. */
  readonly ending: Ending
}

/** The record of one request while it is answered. */
export type Sighting = Mutable<SeenRequest>
