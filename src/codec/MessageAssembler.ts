/**
 * MessageAssembler: the parts of an upstream's answer, put into Anthropic's content blocks.
 *
 * Blocks are numbered 0, 1, 2 … and never overlap: opening one closes the one before, and what comes while a tool
 * call is open waits until it has ended. The limits of the request that the upstream does not know are kept here.
 *
 * **Source:** Anthropic Messages API, streaming.
 */
import type { FailureReason } from "../message/FailureReason.ts"
import type { ContentBlock, ContentDelta, ContentEvent } from "../message/MessageEvent.ts"
import type { ResponsePart } from "../message/ResponsePart.ts"
import { TextCounter } from "../message/TokenEstimate.ts"
import { HeldParts } from "./HeldParts.ts"
import { StopSequences } from "./StopSequences.ts"

export interface AssemblerOptions {
  /** The request's `max_tokens`. */
  readonly maxTokens: number
  /** The request's `stop_sequences`. */
  readonly stopSequences: ReadonlyArray<string>
  /** The request's `thinking.display` is `omitted`: of thinking only its signature is shown. */
  readonly omitThinking: boolean
}

/** A limit of the request that was reached: the answer is complete, whatever the upstream still says. */
export type LocalStop =
  | { readonly reason: "stop_sequence"; readonly sequence: string }
  | { readonly reason: "max_tokens" }

/**
 * Our count is an estimate, so the limit leaves it room: an answer within `max_tokens` is never cut.
 */
export const outputLimit = (maxTokens: number): number => maxTokens * 1.25 + 64

const NO_EVENTS: ReadonlyArray<ContentEvent> = []

/**
 * Takes parts by `push`, gives events by `take`.
 *
 * Once `done` or `failure` is set, parts are ignored and no further event is made.
 */
export class MessageAssembler {
  readonly #limit: number
  readonly #omitThinking: boolean
  readonly #stops: StopSequences
  readonly #counter = new TextCounter()
  readonly #held = new HeldParts()
  #events: Array<ContentEvent> = []
  #open: "none" | "text" | "thinking" | "tool" = "none"
  /** Whether the open block has an event yet: one begins with the first thing that is certain to be shown. */
  #isShown = false
  /** Index of the last block shown. */
  #index = -1
  #toolId = ""
  /** The end of the open text that may be the beginning of a stop sequence; shorter than the longest of them. */
  #tail = ""
  #done: LocalStop | null = null
  #failure: FailureReason | null = null

  constructor(options: AssemblerOptions) {
    this.#limit = outputLimit(options.maxTokens)
    this.#omitThinking = options.omitThinking
    this.#stops = new StopSequences(options.stopSequences)
  }

  /** The limit that was reached, or null. Once set, the upstream's call may be given up. */
  get done(): LocalStop | null {
    return this.#done
  }

  /** Why the answer cannot be put together, or null. */
  get failure(): FailureReason | null {
    return this.#failure
  }

  /** Our count of the output so far, in tokens: with thinking that is not shown, without what lies behind a limit. */
  get outputTokens(): number {
    return this.#counter.tokens
  }

  push(part: ResponsePart): void {
    if (this.#isOver()) return
    if (this.#open === "tool" && !this.#isOfOpenTool(part)) {
      if (!this.#held.add(part)) this.#failure = tooMuchHeld
      return
    }
    this.#apply(part)
    while (this.#open !== "tool" && this.#applyHeldBlock()) continue
  }

  /** The events since it was last called, in order. */
  take(): ReadonlyArray<ContentEvent> {
    if (this.#events.length === 0) return NO_EVENTS
    const events = this.#events
    this.#events = []
    return events
  }

  /** The answer has ended: gives out what was held back and closes the open block. */
  finish(): void {
    if (this.#isOver()) return
    do this.#close()
    while (this.#applyHeldBlock())
  }

  #isOver(): boolean {
    return this.#done !== null || this.#failure !== null
  }

  #isOfOpenTool(part: ResponsePart): boolean {
    return (
      (part.kind === "tool_input" || part.kind === "tool_stop" || part.kind === "tool_start") &&
      part.id === this.#toolId
    )
  }

  #applyHeldBlock(): boolean {
    const parts = this.#isOver() ? null : this.#held.shift()
    if (parts === null) return false
    for (const part of parts) {
      if (!this.#isOver()) this.#apply(part)
    }
    return true
  }

  #apply(part: ResponsePart): void {
    switch (part.kind) {
      case "text":
        return this.#text(part.text)
      case "thinking":
        return this.#thinking(part.text)
      case "signature":
        return this.#signature(part.signature)
      case "tool_start":
        return this.#toolStart(part.id, part.name)
      case "tool_input":
        return this.#toolInput(part.id, part.json)
      case "tool_stop":
        return this.#toolStop(part.id)
      case "redacted_thinking":
        return this.#whole({ type: "redacted_thinking", data: part.data })
      case "search_result":
        return this.#whole({ type: "web_search_tool_result", tool_use_id: part.toolUseId, content: part.content })
      case "server_tool":
        return this.#whole({ type: "server_tool_use", id: part.id, name: part.name, input: {} }, part.input)
    }
  }

  #text(text: string): void {
    if (text === "" || !this.#continue("text")) return
    if (!this.#stops.isActive) return this.#write(text)
    const before = this.#tail
    const all = before === "" ? text : before + text
    const match = this.#stops.push(text)
    const pending = match === null ? this.#stops.pending : 0
    const end = match === null ? all.length - pending : before.length + match.end - match.sequence.length
    this.#tail = pending === 0 ? "" : all.slice(end)
    this.#write(end === all.length ? all : all.slice(0, end))
    if (match !== null && this.#done === null) this.#stop({ reason: "stop_sequence", sequence: match.sequence })
  }

  /** Shows text that is certain to be no part of a stop sequence. */
  #write(text: string): void {
    const fits = this.#counter.addWithin(text, this.#limit)
    if (fits > 0) {
      if (!this.#isShown) this.#show({ type: "text", text: "" })
      this.#delta({ type: "text_delta", text: fits === text.length ? text : text.slice(0, fits) })
    }
    if (fits < text.length) this.#stop({ reason: "max_tokens" })
  }

  #thinking(text: string): void {
    if (text === "" || !this.#continue("thinking")) return
    const fits = this.#counter.addWithin(text, this.#limit)
    if (fits > 0 && !this.#omitThinking) {
      if (!this.#isShown) this.#show({ type: "thinking", thinking: "", signature: "" })
      this.#delta({ type: "thinking_delta", thinking: fits === text.length ? text : text.slice(0, fits) })
    }
    if (fits < text.length) this.#stop({ reason: "max_tokens" })
  }

  /** A signature belongs to the thinking right before it; another one cannot be vouched for. */
  #signature(signature: string): void {
    if (this.#open !== "thinking") return
    if (!this.#isShown) this.#show({ type: "thinking", thinking: "", signature: "" })
    this.#delta({ type: "signature_delta", signature })
    this.#close()
  }

  /** A call is never cut: where the limit is passed, it is not begun. */
  #toolStart(id: string, name: string): void {
    if (this.#open === "tool" || !this.#continue("tool")) return
    if (this.#counter.tokens > this.#limit) return this.#stop({ reason: "max_tokens" })
    this.#toolId = id
    this.#counter.add(name)
    this.#show({ type: "tool_use", id, name, input: {} })
  }

  #toolInput(id: string, json: string): void {
    if (json === "" || this.#open !== "tool" || id !== this.#toolId) return
    this.#counter.add(json)
    this.#delta({ type: "input_json_delta", partial_json: json })
  }

  #toolStop(id: string): void {
    if (this.#open === "tool" && id === this.#toolId) this.#close()
  }

  /** A block that comes in one piece; an input goes behind its start, as JSON. */
  #whole(block: ContentBlock, input?: unknown): void {
    this.#close()
    if (this.#done !== null) return
    this.#show(block)
    if (input !== undefined) {
      const json = JSON.stringify(input)
      this.#counter.add(json)
      this.#delta({ type: "input_json_delta", partial_json: json })
    }
    this.#close()
  }

  /** Makes a block of this kind the open one. False where closing the one before it reached a limit. */
  #continue(kind: "text" | "thinking" | "tool"): boolean {
    if (this.#open === kind) return true
    this.#close()
    if (this.#done !== null) return false
    this.#open = kind
    return true
  }

  #show(block: ContentBlock): void {
    this.#index++
    this.#isShown = true
    this.#events.push({ type: "content_block_start", index: this.#index, content_block: block })
  }

  #delta(delta: ContentDelta): void {
    this.#events.push({ type: "content_block_delta", index: this.#index, delta })
  }

  #close(): void {
    const tail = this.#tail
    if (tail !== "") {
      this.#tail = ""
      this.#write(tail)
    }
    this.#stops.reset()
    if (this.#isShown) this.#events.push({ type: "content_block_stop", index: this.#index })
    this.#isShown = false
    this.#open = "none"
  }

  #stop(done: LocalStop): void {
    this.#done = done
    this.#tail = ""
    this.#close()
  }
}

const tooMuchHeld: FailureReason = {
  kind: "stream_broken",
  scope: "upstream",
  status: null,
  message: "too much of the answer came while a tool call was open",
  retryAfterMs: null,
  directoryKey: null
}
