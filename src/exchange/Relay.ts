/**
 * Relay: one client's answer while it is being made, over as many attempts as it takes.
 *
 * Nothing an attempt says reaches the client before its first content; from then on there is no other attempt. Events
 * may be held back whole, for clients that read usage only from `message_start`.
 */
import { join } from "../codec/SseFrames.ts"
import { type ContentEvent, deltaText, type MessageEvent, type MessageStart } from "../message/MessageEvent.ts"
import type { RateLimits } from "../message/RateLimits.ts"
import type { Usage, Used } from "../message/Usage.ts"
import type { ContentSink, Verbatim } from "../upstream/UpstreamProvider.ts"

/**
 * Where a client's events go. Called synchronously; must not throw.
 */
export interface EventSink {
  /** The answer is under way: the status line may go out. Called once, before anything else. `resume`: room again. */
  readonly open: (head: AnswerHead, resume: () => void) => void
  /** Events in order, never empty. False: no room; no more until `resume`. */
  readonly write: (events: ReadonlyArray<MessageEvent>) => boolean
  /** Server-sent events as they are, never empty; else the same as `write`. */
  readonly pass: (bytes: Uint8Array) => boolean
  /** The client should hear that the answer is still being made. */
  readonly ping: () => void
}

/** What is known of an answer while it is made. Times are milliseconds; null: not yet. */
export interface AnswerHead {
  upstream: string
  attempts: number
  /** Waiting for permits, over all attempts. */
  queue: number
  /** From the last attempt's permit to the upstream's 200. */
  upstreamHeader: number | null
  /** From the request's arrival to the first event. */
  firstEvent: number | null
  /** The last upstream call's name at its upstream, or null. */
  upstreamRequestId: string | null
  /** The share that may be told as read from the cache instead of what was measured, or null. */
  reportedRatio: number | null
}

/** A client that heard nothing gets a ping this long after the upstream's 200. Milliseconds. */
const firstPingAfter = 10_000
/** From then on silence lasts no longer than this, less the pace of the heartbeat. Milliseconds. */
const pingEvery = 14_000
/** An upstream that does not end a whole answer is not waited for longer than this. Milliseconds. */
const endedAfter = 1_000
/** Events held back; past it they flow, with the usage known so far. Characters, with `eventSize` for each event. */
const holdLimit = 32 * 1024 * 1024
/** What an event takes beside its text. */
const eventSize = 128

export class Relay {
  readonly head: AnswerHead = {
    upstream: "none",
    attempts: 0,
    queue: 0,
    upstreamHeader: null,
    firstEvent: null,
    upstreamRequestId: null,
    reportedRatio: null
  }
  readonly #arrived: number
  #leased = 0
  #upstreamOpened: number | null = null
  #hasBegun = false
  #soFar: (() => Used) | null = null
  #opened = false
  #hasContent = false
  #held: Array<MessageEvent> | null
  #heldBytes: Array<Uint8Array> = []
  #heldSize = 0
  #lastWrite = 0
  #resumeUpstream: () => void = () => {}
  /** The upstream's answer is whole since then, and not ended. */
  #over: { readonly at: number; readonly end: () => void } | null = null
  readonly #start: MessageStart
  readonly #sink: EventSink
  readonly #now: () => number

  constructor(start: MessageStart, sink: EventSink, now: () => number, hold: boolean) {
    this.#start = start
    this.#sink = sink
    this.#now = now
    this.#held = hold ? [] : null
    this.#arrived = now()
  }

  /** Content has reached the client: no other attempt may follow. What is held for it has not. */
  get started(): boolean {
    return this.#hasContent
  }

  /** The upstream's answer has begun, though perhaps with nothing that is shown. */
  get begun(): boolean {
    return this.#hasBegun || this.head.firstEvent !== null
  }

  /** What the answer has used by now; null where no upstream has begun one. */
  get soFar(): Used | null {
    return this.#soFar === null ? null : this.#soFar()
  }

  /** Something went out; an error can no longer be a status code. */
  get opened(): boolean {
    return this.#opened
  }

  /** No permit came of so many milliseconds of waiting. */
  waited(queued: number): void {
    this.head.queue += queued
  }

  /**
   * Takes the content of one attempt, which begins now.
   *
   * @param begun called with the first event of its answer
   * @param told called with what the upstream says of the account's limits
   */
  attempt(
    upstream: string,
    attempts: number,
    queued: number,
    begun: () => void = () => {},
    told: (limits: RateLimits) => void = () => {}
  ): ContentSink {
    this.abandon()
    this.#soFar = null
    this.#leased = this.#now()
    this.head.upstream = upstream
    this.head.attempts = attempts
    this.head.queue += queued
    return {
      open: (resume, header) => {
        // One attempt may be several upstream calls; the first one's header is the attempt's.
        this.#upstreamOpened ??= this.#now()
        this.head.upstreamHeader = this.#upstreamOpened - this.#leased
        this.head.upstreamRequestId = header?.requestId ?? null
        if (header !== undefined && header.limits.size > 0) told(header.limits)
        this.#resumeUpstream = resume
      },
      begun: (soFar) => {
        this.#hasBegun = true
        this.#soFar = soFar
        begun()
      },
      write: (events) => this.#content(events),
      pass: (bytes) => this.#pass(bytes),
      over: (end) => {
        this.#over ??= { at: this.#now(), end }
      }
    }
  }

  /**
   * The attempt came to nothing: until another upstream accepts the call there is nothing to open the answer for. What
   * was held of it is dropped.
   */
  abandon(): void {
    if (!this.#hasContent) {
      this.head.firstEvent = null
      this.#heldSize = 0
      this.#heldBytes = []
      if (this.#held !== null) this.#held = []
    }
    this.#upstreamOpened = null
    this.#over = null
    this.#hasBegun = false
    this.head.upstreamHeader = null
    this.head.upstreamRequestId = null
    this.#resumeUpstream = () => {}
  }

  /** Ends the answer: final usage, stop, and whatever was held back. */
  finish(
    stopped: {
      readonly stop_reason: string
      readonly stop_sequence: string | null
    },
    usage: Usage
  ): void {
    const held = this.#held
    this.#held = null
    const head: ReadonlyArray<MessageEvent> =
      held !== null
        ? [{ ...this.#start, message: { ...this.#start.message, usage } }, ...held]
        : this.started
          ? []
          : [this.#start]
    this.#first()
    this.#send([...head, { type: "message_delta", delta: stopped, usage }, { type: "message_stop" }])
  }

  /** Ends an answer that is in the upstream's own words. */
  finishVerbatim({ ending, opening }: Verbatim, usage: Usage): void {
    const held = this.#held === null ? new Uint8Array() : join(this.#heldBytes)
    const isHeld = this.#held !== null && opening !== null
    this.#held = null
    this.#heldBytes = []
    this.#first()
    const parts = isHeld ? [held.subarray(0, opening.from), opening.with(usage), held.subarray(opening.to)] : [held]
    this.#sendBytes(join([...parts, ending(usage)]))
  }

  /** Sends a ping where one is due. Called by the heartbeat. */
  beat(now: number): void {
    if (this.#over !== null && now - this.#over.at >= endedAfter) this.#over.end()
    const due = this.#opened
      ? now - this.#lastWrite >= pingEvery
      : this.#upstreamOpened !== null && now - this.#upstreamOpened >= firstPingAfter
    if (!due) return
    this.#open()
    this.#lastWrite = now
    this.#sink.ping()
  }

  #content(events: ReadonlyArray<ContentEvent>): boolean {
    this.#first()
    if (this.#held === null) return this.#send(this.#hasContent ? events : [this.#start, ...events])
    for (const event of events) {
      this.#held.push(event)
      this.#heldSize += eventSize + sizeOf(event)
    }
    if (this.#heldSize <= holdLimit) return true
    const held = this.#held
    this.#held = null
    return this.#send([this.#start, ...held])
  }

  #pass(bytes: Uint8Array): boolean {
    this.#first()
    if (this.#held === null) return this.#sendBytes(bytes)
    this.#heldBytes.push(bytes)
    this.#heldSize += bytes.length
    if (this.#heldSize <= holdLimit) return true
    const held = this.#heldBytes
    this.#held = null
    this.#heldBytes = []
    return this.#sendBytes(join(held))
  }

  #send(events: ReadonlyArray<MessageEvent>): boolean {
    this.#sending()
    return this.#sink.write(events)
  }

  #sendBytes(bytes: Uint8Array): boolean {
    this.#sending()
    return bytes.length === 0 || this.#sink.pass(bytes)
  }

  #sending(): void {
    this.#open()
    this.#hasContent = true
    this.#lastWrite = this.#now()
  }

  #first(): void {
    this.head.firstEvent ??= this.#now() - this.#arrived
  }

  #open(): void {
    if (this.#opened) return
    this.#opened = true
    this.#sink.open(this.head, () => this.#resumeUpstream())
  }
}

/** Characters of an event's own text. */
const sizeOf = (event: ContentEvent): number => {
  if (event.type === "content_block_stop") return 0
  if (event.type === "content_block_delta") return deltaText(event.delta).length
  const block = event.content_block
  if (block.type === "redacted_thinking") return block.data.length
  return block.type === "web_search_tool_result" ? JSON.stringify(block.content).length : 0
}
