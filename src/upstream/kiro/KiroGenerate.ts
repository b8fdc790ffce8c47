/**
 * KiroGenerate: one `GenerateAssistantResponse` call, its bytes pushed through framing, events and blocks to the sink.
 */
import { Effect } from "effect"
import { FrameDecoder } from "../../codec/EventStreamFraming.ts"
import type { MessageAssembler } from "../../codec/MessageAssembler.ts"
import type { FailureReason } from "../../message/FailureReason.ts"
import { type Lease, withoutToken } from "../../message/Lease.ts"
import type { RateLimits } from "../../message/RateLimits.ts"
import type { ResponsePart } from "../../message/ResponsePart.ts"
import type { UpstreamUsage } from "../../message/Usage.ts"
import type { Sender, Receiver } from "../Dispatch.ts"
import { broken, failure, UpstreamFailure } from "../UpstreamFailure.ts"
import type { ContentSink, UpstreamCall } from "../UpstreamProvider.ts"
import { address, apiRegion } from "./KiroEndpoints.ts"
import { end, initial, type KiroEnding, type KiroState, step } from "./KiroEvent.ts"
import { generateHeaders, isEventStream, type KiroOptions, rejected } from "./KiroHttp.ts"
import type { KiroRequest } from "./KiroRequest.ts"

/** What one call needs. */
export interface Generation {
  readonly dispatch: Sender
  readonly options: KiroOptions
  readonly lease: Lease
  readonly call: UpstreamCall
  readonly request: KiroRequest
  readonly body: string
  readonly assembler: MessageAssembler
  readonly sink: Omit<ContentSink, "begun">
  /** Called with the first event, with what this call alone says it has used by the time it is asked. */
  readonly begun: (soFar: () => UpstreamUsage) => void
  /** Called with every part beside the assembler, for a caller that may have to go on from this answer. */
  readonly observe: (part: ResponsePart) => void
}

/** Sends the body and takes the answer to its end, or to the point where a limit of the request is reached. */
export const generate = Effect.fnUntraced(function* (
  generation: Generation
): Effect.fn.Return<KiroEnding, UpstreamFailure> {
  const { call, dispatch, lease, options } = generation
  const reader = new Reader(generation)
  const response = yield* dispatch
    .push(
      {
        url: address(
          options.endpoints.api,
          apiRegion(lease.credential, options.endpoints),
          "/generateAssistantResponse"
        ),
        method: "POST",
        headers: generateHeaders(lease, options),
        body: generation.body,
        headerTimeoutMs: call.headerTimeoutMs,
        idleTimeoutMs: call.idleTimeoutMs
      },
      reader
    )
    .pipe(Effect.mapError(broken))
  if (!isEventStream(response)) return yield* rejected(response, lease)
  return yield* reader.finish()
})

/** Reads one answer. */
class Reader implements Receiver {
  readonly #decoder = new FrameDecoder()
  readonly #state: KiroState
  readonly #generation: Generation
  #failure: FailureReason | null = null
  #hasBegun = false

  constructor(generation: Generation) {
    this.#generation = generation
    const { request } = generation
    this.#state = initial({
      thinking: request.wantsThinking,
      toolNames: request.toolNames,
      serverTools: request.serverTools
    })
  }

  readonly head: Receiver["head"] = (head, resume) => {
    const accepted = isEventStream(head)
    if (accepted) {
      const requestId = head.headers["x-amzn-requestid"] ?? null
      this.#generation.sink.open(resume, { requestId, limits: none })
    }
    return accepted
  }

  readonly data: Receiver["data"] = (chunk) => {
    const { assembler } = this.#generation
    const corrupt = this.#decoder.push(chunk, (frame) => {
      if (!this.#hasBegun) this.#begin()
      this.#failure ??= step(this.#state, frame, this.#part)
    })
    if (corrupt !== null) this.#failure ??= damaged(`the event stream is corrupt (${corrupt})`)
    this.#failure ??= assembler.failure
    const room = this.#flush()
    if (this.#failure !== null || assembler.done !== null) return "stop"
    return room ? "more" : "pause"
  }

  /** Sums up; fails where the answer is not whole. What came before a failure has been shown. */
  finish(): Effect.Effect<KiroEnding, UpstreamFailure> {
    return Effect.suspend(() => {
      const { assembler, lease } = this.#generation
      if (this.#failure !== null) {
        const message = withoutToken(this.#failure.message, lease)
        return Effect.fail(new UpstreamFailure({ reason: { ...this.#failure, message } }))
      }
      if (assembler.done === null && this.#decoder.finish() === "truncated") return Effect.fail(unended)
      const ending = end(this.#state, this.#part)
      if (ending.isEmpty && assembler.done === null) return Effect.fail(unended)
      this.#flush()
      return Effect.succeed(ending)
    })
  }

  #begin(): void {
    this.#hasBegun = true
    this.#generation.begun(() => this.#state.usage.read())
  }

  readonly #part = (part: ResponsePart): void => {
    this.#generation.observe(part)
    this.#generation.assembler.push(part)
  }

  #flush(): boolean {
    const events = this.#generation.assembler.take()
    return events.length === 0 || this.#generation.sink.write(events)
  }
}

const none: RateLimits = new Map()

const unended = failure("stream_broken", "upstream", "the upstream's answer ended before it was whole")

const damaged = (message: string): FailureReason => failure("stream_broken", "upstream", message).reason
