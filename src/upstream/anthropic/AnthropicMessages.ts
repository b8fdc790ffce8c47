/**
 * AnthropicMessages: one call of `POST /v1/messages`, its answer passed on in the upstream's own words.
 */
import { Effect } from "effect"
import { withMembers } from "../../codec/JsonText.ts"
import { join } from "../../codec/SseFrames.ts"
import { isRecord, parseJson } from "../../message/JsonRecord.ts"
import { type Lease, withoutToken } from "../../message/Lease.ts"
import type { Usage, Used } from "../../message/Usage.ts"
import type { Receiver, ResponseHead, Sender } from "../Dispatch.ts"
import { broken, failure, UpstreamFailure } from "../UpstreamFailure.ts"
import type { ContentSink, Settlement, UpstreamCall } from "../UpstreamProvider.ts"
import { addressOf, type AnthropicOptions, bodyOf, headersOf, rejected } from "./AnthropicHttp.ts"
import { limitsIn } from "./AnthropicLimits.ts"
import { AnthropicMade } from "./AnthropicMade.ts"
import { AnthropicStream } from "./AnthropicStream.ts"
import { withoutThinking } from "./AnthropicThinking.ts"
import { type RawUsage, readUsage, toldMembers, usageIn, webSearchesIn } from "./AnthropicUsage.ts"

/** Longest answer that is taken whole. Bytes. */
const longestWhole = 32 * 1024 * 1024

/** What a call needs beside itself. */
export interface AnthropicServices {
  readonly dispatch: Sender
  readonly options: AnthropicOptions
}

/** Sends; once more without the thinking that may be left out, where its signature is not taken here. */
export const send = (
  services: AnthropicServices,
  call: UpstreamCall,
  lease: Lease,
  sink: ContentSink
): Effect.Effect<Settlement, UpstreamFailure> =>
  sendOnce(services, call, lease, sink).pipe(
    Effect.catch((error) => {
      const messages = error.reason.kind === "invalid_signature" ? withoutThinking(call.request) : null
      if (messages === null || error.reason.status !== 400) return Effect.fail(error)
      return sendOnce(services, { ...call, changes: { ...call.changes, messages } }, lease, sink)
    })
  )

const sendOnce = Effect.fnUntraced(function* (
  { dispatch, options }: AnthropicServices,
  call: UpstreamCall,
  lease: Lease,
  sink: ContentSink
): Effect.fn.Return<Settlement, UpstreamFailure> {
  const reader = new Reader(sink, call.request.stream === true, lease)
  const response = yield* dispatch
    .push(
      {
        url: addressOf(options, "/v1/messages", call.original?.query ?? ""),
        method: "POST",
        headers: headersOf(call.original, lease, options),
        body: bodyOf(call),
        headerTimeoutMs: call.headerTimeoutMs,
        idleTimeoutMs: call.idleTimeoutMs
      },
      reader
    )
    .pipe(
      Effect.mapError(broken),
      // An answer that was whole is one, however its connection ends.
      Effect.catch((error) => (reader.isOver ? Effect.succeed(null) : Effect.fail(error)))
    )
  if (response !== null && !reader.accepts(response)) return yield* rejected(response, lease)
  const settlement = reader.finish()
  if ("failed" in settlement) return yield* settlement.failed
  return "error" in settlement
    ? yield* rejected(
        { status: response?.status ?? 200, headers: response?.headers ?? {}, body: settlement.error },
        lease
      )
    : settlement
})

/** Reads one answer. */
class Reader implements Receiver {
  readonly #sink: ContentSink
  readonly #stream: AnthropicStream | null
  readonly #whole: Array<Uint8Array> = []
  #length = 0
  #stop = (): void => {}

  constructor(sink: ContentSink, streams: boolean, lease: Lease) {
    this.#sink = sink
    this.#stream = streams
      ? new AnthropicStream(
          sink,
          () => sink.begun(() => this.#used()),
          (text) => withoutToken(text, lease)
        )
      : null
  }

  get isOver(): boolean {
    return this.#stream?.isOver === true
  }

  accepts({ headers, status }: ResponseHead): boolean {
    const type = this.#stream === null ? "application/json" : "text/event-stream"
    return status === 200 && (headers["content-type"] ?? "").toLowerCase().includes(type)
  }

  readonly head: Receiver["head"] = (head, resume, stop) => {
    this.#stop = stop
    const accepted = this.accepts(head)
    if (accepted) {
      this.#sink.open(resume, { requestId: head.headers["request-id"] ?? null, limits: limitsIn(head.headers) })
    }
    return accepted
  }

  readonly data: Receiver["data"] = (chunk) => {
    if (this.#stream !== null) {
      const demand = this.#stream.push(chunk)
      if (this.#stream.isOver) this.#sink.over?.(this.#stop)
      return demand
    }
    this.#length += chunk.length
    if (this.#length > longestWhole) return "stop"
    this.#whole.push(chunk)
    return "more"
  }

  #used(): Used {
    return usedOf(this.#stream?.raw ?? {}, () => this.#stream?.deltaBytes ?? 0)
  }

  finish(): Settlement | Failed {
    if (this.#stream === null) return this.#length > longestWhole ? { failed: tooLong } : settleWhole(join(this.#whole))
    const ended = this.#stream.finish()
    return "kind" in ended
      ? { failed: new UpstreamFailure({ reason: ended }) }
      : {
          ...this.#used(),
          stopReason: this.#stream.stopReason ?? "end_turn",
          stopSequence: this.#stream.stopSequence,
          answeredBy: this.#stream.model,
          verbatim: ended,
          made: this.#stream.made
        }
  }
}

/** What is no answer: why, or the error that came in its place. */
type Failed = { readonly failed: UpstreamFailure } | { readonly error: string }

/** Of an output whose tokens nobody has counted. */
const bytesOfToken = 4

/** What an answer has used by its own figures; what it holds is measured only where it has none of its output. */
const usedOf = (raw: RawUsage, bytes: () => number): Used => ({
  calls: [
    {
      usage: readUsage(raw),
      outputEstimate: typeof raw["output_tokens"] === "number" ? 0 : Math.ceil(bytes() / bytesOfToken),
      inputAdded: 0
    }
  ],
  webSearches: webSearchesIn(raw),
  isRead: true
})

const settleWhole = (bytes: Uint8Array): Settlement | Failed => {
  const text = new TextDecoder().decode(bytes)
  const message = parseJson(text)
  if (isRecord(message) && message["type"] === "error") return { error: text }
  if (!isRecord(message) || message["type"] !== "message") return { failed: unreadable }
  const raw = usageIn(message)
  const made = new AnthropicMade()
  made.message(message)
  const textIn = (name: string) => (typeof message[name] === "string" ? message[name] : null)
  const ending = (usage: Usage): Uint8Array => {
    const members = toldMembers(raw, usage)
    const told = withMembers(text, ["usage"], members) ?? withMembers(text, [], { usage: members })
    return told === null ? bytes : new TextEncoder().encode(told)
  }
  return {
    ...usedOf(raw, () => JSON.stringify(message["content"] ?? "").length),
    stopReason: textIn("stop_reason") ?? "end_turn",
    stopSequence: textIn("stop_sequence"),
    answeredBy: textIn("model"),
    verbatim: { opening: null, ending },
    made: made.all
  }
}

const tooLong = failure("invalid_request", "none", "the answer is too long to be given whole; ask for it as a stream")
const unreadable = failure("upstream_error", "upstream", "the upstream's answer is not a message")
