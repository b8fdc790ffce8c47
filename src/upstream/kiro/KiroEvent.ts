/**
 * KiroEvent: one frame of the upstream's answer after the other, read into what it says.
 *
 * A step over a state that only this file changes; no clock, no chance, no I/O. Events that are not named here are
 * ignored, so a new kind of event breaks nothing.
 *
 * **Source:** `ChatResponseStream` of AWS's `@aws/codewhisperer-streaming-client`; `tokenUsageEvent` as observed.
 */
import type { Frame } from "../../codec/EventStreamFraming.ts"
import type { FailureReason } from "../../message/FailureReason.ts"
import type { StopReason } from "../../message/MessageEvent.ts"
import type { ResponsePart } from "../../message/ResponsePart.ts"
import type { UpstreamUsage } from "../../message/Usage.ts"
import { redact } from "../../telemetry/Redaction.ts"
import { bareName, classifyException } from "./KiroException.ts"
import { type ServerCall, ToolCalls } from "./ToolCalls.ts"
import { ThinkingTags } from "./ThinkingTags.ts"
import { UsageReport } from "./UsageReport.ts"

/** What must be known of the request to read its answer. */
export interface KiroEventOptions {
  /** Whether the client asked for thinking; if not, thinking that comes is dropped. */
  readonly thinking: boolean
  /** The client's name of each tool by the name it was sent under; the upstream may change a name's case. */
  readonly toolNames: ReadonlyMap<string, string>
  /** Names, as sent, of tools that the gateway runs itself. */
  readonly serverTools: ReadonlySet<string>
}

/** How far an answer has come. Made by `initial`, changed by `step` and `end` only. */
export interface KiroState {
  readonly thinking: boolean
  readonly tags: ThinkingTags
  readonly tools: ToolCalls
  readonly usage: UsageReport
  /** The model that says it answers. */
  answeredBy: string | null
  /** Whether thinking came that may still get its signature. */
  isReasoning: boolean
  /** Whether the answer has any content. */
  hasContent: boolean
  /** Why the answer stops, where the upstream says so outright. */
  explicitStop: StopReason | null
  failure: FailureReason | null
}

/** What a complete answer came to. */
export interface KiroEnding {
  readonly stopReason: StopReason
  readonly usage: UpstreamUsage
  readonly answeredBy: string | null
  /** Calls of the gateway's own tools, in order, for the caller to run. */
  readonly serverCalls: ReadonlyArray<ServerCall>
  /**
   * Not one text, thought, call, stop or final figure came: the connection was closed before an answer. With figures
   * and nothing else the model chose to say nothing.
   */
  readonly isEmpty: boolean
}

type Emit = (part: ResponsePart) => void
type Payload = Readonly<Record<string, unknown>>

export const initial = (options: KiroEventOptions): KiroState => ({
  thinking: options.thinking,
  tags: new ThinkingTags(options.thinking),
  tools: new ToolCalls(options.toolNames, options.serverTools),
  usage: new UsageReport(),
  answeredBy: null,
  isReasoning: false,
  hasContent: false,
  explicitStop: null,
  failure: null
})

/**
 * Reads one frame; `emit` is called for each part it says, in order.
 *
 * @returns the failure that ends the answer, again for every frame after it, or null
 */
export const step = (state: KiroState, frame: Pick<Frame, "headers" | "text">, emit: Emit): FailureReason | null => {
  if (state.failure === null) state.failure = read(state, frame, emit)
  return state.failure
}

/** To be called when the stream has ended well: gives out what was held back, ends open calls, and sums up. */
export const end = (state: KiroState, emit: Emit): KiroEnding => {
  state.tags.interrupt(emit)
  state.tools.end(emit)
  const stopReason =
    state.explicitStop ??
    (state.usage.isWindowExceeded
      ? "model_context_window_exceeded"
      : state.tools.isTruncated
        ? "max_tokens"
        : state.tools.hasClientCalls
          ? "tool_use"
          : "end_turn")
  return {
    stopReason,
    usage: state.usage.read(),
    answeredBy: state.answeredBy,
    serverCalls: state.tools.serverCalls,
    isEmpty: !state.hasContent && state.explicitStop === null && !state.usage.isFinal
  }
}

const read = (state: KiroState, frame: Pick<Frame, "headers" | "text">, emit: Emit): FailureReason | null => {
  const messageType = frame.headers.get(":message-type")
  if (messageType === "exception") return exception(state, frame)
  if (messageType === "error") {
    return classifyException(frame.headers.get(":error-code") ?? "", null, frame.headers.get(":error-message") ?? "")
  }
  const eventType = frame.headers.get(":event-type") ?? ""
  const reader = readers.get(eventType)
  if (reader === undefined) return null
  const payload = parse(frame.text())
  return payload === null ? broken(`a payload of ${eventType} is not a JSON object`) : reader(state, payload, emit)
}

type Reader = (state: KiroState, payload: Payload, emit: Emit) => FailureReason | null

const assistantResponse: Reader = (state, payload, emit) => {
  if (typeof payload["modelId"] === "string") state.answeredBy = payload["modelId"]
  const text = payload["content"] ?? ""
  if (typeof text !== "string") return broken("the content of an assistantResponseEvent is not a string")
  if (text === "") return null
  state.isReasoning = false
  state.hasContent = true
  state.tags.push(text, emit)
  return null
}

const reasoningContent: Reader = (state, payload, emit) => {
  state.hasContent = true
  if (!state.thinking) return null
  const { text, signature, redactedContent } = payload
  if (typeof text === "string" && text !== "") {
    state.tags.disable(emit)
    state.isReasoning = true
    emit({ kind: "thinking", text })
  }
  if (typeof signature === "string" && signature !== "" && state.isReasoning) {
    state.isReasoning = false
    emit({ kind: "signature", signature })
  }
  if (typeof redactedContent === "string" && redactedContent !== "") {
    state.tags.interrupt(emit)
    state.isReasoning = false
    emit({ kind: "redacted_thinking", data: redactedContent })
  }
  return null
}

const toolUse: Reader = (state, payload, emit) => {
  state.isReasoning = false
  state.hasContent = true
  if (!state.tools.isOpen(payload)) state.tags.interrupt(emit)
  const problem = state.tools.push(payload, emit)
  return problem === null ? null : broken(problem)
}

const usage: Reader = (state, payload) => {
  state.usage.addTokens(isObject(payload["tokenUsage"]) ? payload["tokenUsage"] : payload)
  return null
}

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["assistantResponseEvent", assistantResponse],
  ["reasoningContentEvent", reasoningContent],
  ["toolUseEvent", toolUse],
  ["metadataEvent", usage],
  ["tokenUsageEvent", usage],
  ["contextUsageEvent", usage],
  [
    "meteringEvent",
    (state, payload) => {
      state.usage.addCredits(payload["usage"])
      return null
    }
  ],
  ["invalidStateEvent", (_, payload) => classified("InvalidStateException", payload)],
  ["error", (_, payload) => classified("InternalServerException", payload)]
])

/** An answer that grew too long has ended, not failed. */
const exception = (state: KiroState, frame: Pick<Frame, "headers" | "text">): FailureReason | null => {
  const name = bareName(frame.headers.get(":exception-type") ?? "")
  if (name === "ContentLengthExceededException") {
    state.explicitStop = "max_tokens"
    return null
  }
  const text = frame.text()
  return classified(name, parse(text) ?? { message: text })
}

const classified = (name: string, payload: Payload): FailureReason => {
  const { message, reason } = payload
  return classifyException(name, typeof reason === "string" ? reason : null, typeof message === "string" ? message : "")
}

/** The bytes were right and yet say nothing: the answer cannot be trusted to be whole. */
const broken = (message: string): FailureReason => ({
  kind: "stream_broken",
  scope: "upstream",
  status: null,
  message: redact(message),
  retryAfterMs: null,
  directoryKey: null
})

const parse = (text: string): Payload | null => {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Payload =>
  typeof value === "object" && value !== null && !Array.isArray(value)
