/**
 * AnthropicStream: the server-sent events of one answer, passed on as they come.
 *
 * Only what accounting must know is read: where usage stands, how the answer ends, and errors. Whole events go on, in one
 * piece for each chunk; from the last `message_delta` on they wait until it is known what the client is told.
 *
 * **Source:** Anthropic Messages API, streaming.
 */
import { isRecord, parseJson } from "../../message/JsonRecord.ts"
import { join, leadingName, readEvent, SseFrames, withData } from "../../codec/SseFrames.ts"
import { withMembers } from "../../codec/JsonText.ts"
import type { FailureReason } from "../../message/FailureReason.ts"
import type { Made } from "../../message/Pin.ts"
import type { Usage } from "../../message/Usage.ts"
import type { Demand } from "../Dispatch.ts"
import { failure } from "../UpstreamFailure.ts"
import type { ContentSink, Opening, Verbatim } from "../UpstreamProvider.ts"
import { classifyEvent } from "./AnthropicFailure.ts"
import { AnthropicMade } from "./AnthropicMade.ts"
import { type RawUsage, toldMembers, usageIn } from "./AnthropicUsage.ts"

/** What of a delta is no content. Bytes. */
const deltaFrame = 128
/** What may come after the last `message_delta`. Bytes. */
const longestEnd = 1024 * 1024

export class AnthropicStream {
  readonly #sink: Pick<ContentSink, "pass">
  readonly #begun: () => void
  readonly #clean: (text: string) => string
  readonly #frames = new SseFrames()
  /** The last `message_delta` and what came after it, which waits. */
  #end: Array<Uint8Array> = []
  #endLength = 0
  #stopped = false
  #hasBegun = false
  #deltaBytes = 0
  #passed = 0
  #opening: (Omit<Opening, "with"> & { readonly frame: Uint8Array; readonly raw: RawUsage }) | null = null
  #raw: RawUsage = {}
  readonly #made = new AnthropicMade()
  #stopReason: string | null = null
  #stopSequence: string | null = null
  #model: string | null = null
  #failure: FailureReason | null = null

  /**
   * @param begun called with the first event
   * @param clean takes out of an error's text what nobody may be told
   */
  constructor(sink: Pick<ContentSink, "pass">, begun: () => void, clean: (text: string) => string) {
    this.#sink = sink
    this.#begun = begun
    this.#clean = clean
  }

  /** Whether the last event of a whole answer has come. */
  get isOver(): boolean {
    return this.#stopped && this.#failure === null
  }

  /** Bytes of content that have come, as far as that is told by deltas. */
  get deltaBytes(): number {
    return this.#deltaBytes
  }

  /** All figures that have come. */
  get raw(): RawUsage {
    return this.#raw
  }

  /** What lives at the account from now on. */
  get made(): ReadonlyArray<Made> {
    return this.#made.all
  }

  get stopReason(): string | null {
    return this.#stopReason
  }

  get stopSequence(): string | null {
    return this.#stopSequence
  }

  /** The model that says it answers. */
  get model(): string | null {
    return this.#model
  }

  push(chunk: Uint8Array): Demand {
    const framed = this.#frames.push(chunk)
    if (framed === null) {
      this.#failure = tooLong
      return "stop"
    }
    const { bytes, ends } = framed
    const going: Array<Uint8Array> = []
    /** Where that begins which goes on and is not yet among `going`. */
    let kept = 0
    let from = 0
    for (const to of ends) {
      const waits = this.#waits(bytes, from, to)
      if (this.#failure !== null) {
        going.push(bytes.subarray(kept, from))
        kept = to
        break
      }
      if (waits !== "no") {
        going.push(bytes.subarray(kept, from))
        if (waits === "anew") going.push(...this.#release())
        this.#end.push(bytes.subarray(from, to))
        this.#endLength += to - from
        kept = to
      } else if (this.#end.length > 0) going.push(...this.#release())
      from = to
    }
    if (this.#failure === null && from > kept) going.push(bytes.subarray(kept, from))
    const room = this.#pass(going)
    if (this.#failure === null && this.#endLength > longestEnd) this.#failure = tooLong
    return this.#failure !== null ? "stop" : room ? "more" : "pause"
  }

  /** How the answer has ended, or what has gone wrong with it. */
  finish(): FailureReason | Verbatim {
    if (this.#failure !== null) return this.#failure
    if (!this.#stopped) return unended
    const end = this.#end
    const raw = this.#raw
    const opening = this.#opening
    return {
      opening:
        opening === null
          ? null
          : {
              from: opening.from,
              to: opening.to,
              with: (usage) => withUsage(opening.frame, ["message", "usage"], opening.raw, usage)
            },
      ending: (usage) =>
        join(
          end.map((frame) =>
            leadingName(frame, 0, frame.length) === delta || nameOf(frame) === delta
              ? withUsage(frame, ["usage"], raw, usage)
              : frame
          )
        )
    }
  }

  /**
   * Reads an event. `no`: it goes on; `anew`: it waits, and what waited before it does not; `too`: it waits with what waits.
   */
  #waits(bytes: Uint8Array, from: number, to: number): "no" | "anew" | "too" {
    const frame = bytes.subarray(from, to)
    const name = leadingName(bytes, from, to) ?? nameOf(frame)
    if (!this.#hasBegun && name !== null && name !== "error") {
      this.#hasBegun = true
      this.#begun()
    }
    switch (name) {
      case "message_start":
        this.#start(frame, from)
        return "no"
      case delta:
        this.#delta(frame)
        return "anew"
      case "message_stop":
        this.#stopped = true
        return "too"
      case "error":
        this.#failure = classifyEvent(this.#clean(readEvent(frame).data ?? ""))
        return "no"
      case "content_block_delta":
        this.#deltaBytes += Math.max(0, to - from - deltaFrame)
        return this.#stopped ? "too" : "no"
      default:
        if (name === "content_block_start") this.#block(frame)
        return this.#end.length > 0 && (this.#stopped || name?.startsWith("content_block") !== true) ? "too" : "no"
    }
  }

  #start(frame: Uint8Array, from: number): void {
    const event = parse(frame)
    const message = isRecord(event) ? event["message"] : null
    const raw = usageIn(message)
    this.#raw = { ...this.#raw, ...raw }
    if (!isRecord(message)) return
    this.#made.message(message)
    if (typeof message["model"] === "string") this.#model = message["model"]
    const at = this.#passed + from
    this.#opening = { from: at, to: at + frame.length, frame, raw }
  }

  #delta(frame: Uint8Array): void {
    const event = parse(frame)
    this.#raw = { ...this.#raw, ...usageIn(event) }
    const told = isRecord(event) && isRecord(event["delta"]) ? event["delta"] : {}
    this.#made.container(told)
    if (typeof told["stop_reason"] === "string") this.#stopReason = told["stop_reason"]
    if (typeof told["stop_sequence"] === "string") this.#stopSequence = told["stop_sequence"]
  }

  /** Results of tools come whole, with their beginning. */
  #block(frame: Uint8Array): void {
    const { data } = readEvent(frame)
    const event = data?.includes('"file_id"') === true ? parseJson(data) : null
    if (isRecord(event)) this.#made.content(event["content_block"])
  }

  #release(): ReadonlyArray<Uint8Array> {
    const end = this.#end
    this.#end = []
    this.#endLength = 0
    return end
  }

  #pass(parts: ReadonlyArray<Uint8Array>): boolean {
    const bytes = join(parts.filter(({ length }) => length > 0))
    this.#passed += bytes.length
    return bytes.length === 0 || this.#sink.pass(bytes)
  }
}

const delta = "message_delta"

/** For events without a leading name: by their name, else by what their data says. */
const nameOf = (frame: Uint8Array): string | null => {
  const { data, name } = readEvent(frame)
  if (name !== null || data === null) return name
  const event = parseJson(data)
  return isRecord(event) && typeof event["type"] === "string" ? event["type"] : null
}

const parse = (frame: Uint8Array): unknown => parseJson(readEvent(frame).data ?? "")

/** The event with what the client is told of the usage. @param raw what it is told without that */
const withUsage = (frame: Uint8Array, path: ReadonlyArray<string>, raw: RawUsage, usage: Usage): Uint8Array => {
  const { data } = readEvent(frame)
  const members = toldMembers(raw, usage)
  // What cannot be read goes on as it is.
  const changed =
    data === null || !isRecord(parseJson(data))
      ? null
      : (withMembers(data, path, members) ?? withMembers(data, path.slice(0, -1), { usage: members }))
  return changed === null ? frame : withData(frame, changed)
}

const unended = failure("stream_broken", "upstream", "the upstream's answer ended before it was whole").reason
const tooLong = failure("stream_broken", "upstream", "an event of the upstream is too long").reason
