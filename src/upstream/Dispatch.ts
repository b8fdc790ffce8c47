/**
 * Dispatch: one HTTP exchange with an upstream, pushed chunk by chunk.
 *
 * The only file that knows undici's handler callbacks. Chunks reach the receiver in the same turn of the event loop in
 * which the socket delivered them; a full receiver pauses the socket; interrupting the effect closes it.
 * No redirects are followed and nothing is decompressed.
 *
 * **Source:** undici `Dispatcher.dispatch`.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { Dispatcher } from "undici"
import type { Egress } from "../message/Egress.ts"
import { makeClients } from "./Egress.ts"

/** What is asked of an upstream. */
export interface DispatchRequest {
  /** Absolute address; its origin may differ per credential. */
  readonly url: URL
  readonly method: "GET" | "POST" | "DELETE"
  readonly headers: Record<string, string>
  readonly body: string | Uint8Array | null
  /** Longest wait for the response's header. Milliseconds. */
  readonly headerTimeoutMs: number
  /** Longest silence between two chunks of the body; a paused socket does not count. Milliseconds. */
  readonly idleTimeoutMs: number
}

/** Status and headers of a response; header names are lower-case, repeated ones joined by `, `. */
export interface ResponseHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** What the receiver wants after a chunk: the next one, a pause, or no more at all (the socket is closed, no failure). */
export type Demand = "more" | "pause" | "stop"

/** Takes a body as it comes. */
export interface Receiver {
  /**
   * Decides by the header: true streams the body to `data`, false collects it (at most 1 MiB) for the caller.
   * `resume` undoes a pause; `stop` is `"stop"` said at another time.
   */
  readonly head: (head: ResponseHead, resume: () => void, stop: () => void) => boolean
  readonly data: (chunk: Uint8Array) => Demand
}

/** A response whose body was collected instead of streamed, or streamed to its end (`body` is then empty). */
export interface DispatchResponse extends ResponseHead {
  readonly body: string
}

/** The exchange broke: no connection, no header in time, silence, or a cut body. */
export class DispatchError extends Schema.TaggedError<DispatchError>()("DispatchError", {
  /** How far it got. */
  phase: Schema.Literals(["header", "body"]),
  timedOut: Schema.Boolean,
  /** The system's or undici's error code, e.g. `ECONNREFUSED`. */
  code: Schema.String
}) {
  override get message(): string {
    return `The upstream ${this.timedOut ? "was silent for too long" : "connection failed"} (${this.code}, ${this.phase})`
  }
}

/** Collected bodies are cut here: error texts and JSON documents, never answers. Bytes. */
const collectLimit = 1024 * 1024

/** Makes calls, all the same way out. */
export interface Sender {
  /** Streams the response to the receiver. */
  readonly push: (request: DispatchRequest, receiver: Receiver) => Effect.Effect<DispatchResponse, DispatchError>
  /** Collects the response whatever its status; at most 1 MiB of it. */
  readonly collect: (request: DispatchRequest) => Effect.Effect<DispatchResponse, DispatchError>
}

export class Dispatch extends Context.Service<
  Dispatch,
  {
    /** Calls that go out this way. */
    readonly via: (egress: Egress) => Sender
  }
>()("weir/upstream/Dispatch") {
  /** Over undici, with one client for each way out. */
  static readonly layer: Layer.Layer<Dispatch> = Layer.effect(
    Dispatch,
    Effect.map(makeClients, (clients) =>
      Dispatch.of({
        via: (egress) => {
          const push: Sender["push"] = (request, receiver) => dispatch(clients.of(egress), request, receiver)
          return { push, collect: (request) => push(request, collecting) }
        }
      })
    )
  )
}

const collecting: Receiver = { head: () => false, data: () => "more" }

/** The time for the header includes connecting: to a proxy, through it, and to the upstream. */
const dispatch = (
  dispatcher: Dispatcher,
  request: DispatchRequest,
  receiver: Receiver
): Effect.Effect<DispatchResponse, DispatchError> =>
  Effect.suspend(() => {
    let isHeaded = false
    const watched: Receiver = {
      head: (head, resume, stop) => {
        isHeaded = true
        return receiver.head(head, resume, stop)
      },
      data: receiver.data
    }
    return Effect.raceFirst(
      exchange(dispatcher, request, watched),
      Effect.flatMap(Effect.sleep(Math.max(1, request.headerTimeoutMs)), () =>
        isHeaded ? Effect.never : Effect.fail(tooLate)
      )
    )
  })

const tooLate = new DispatchError({ phase: "header", timedOut: true, code: "UND_ERR_HEADERS_TIMEOUT" })

const exchange = (
  dispatcher: Dispatcher,
  request: DispatchRequest,
  receiver: Receiver
): Effect.Effect<DispatchResponse, DispatchError> =>
  Effect.callback((done) => {
    let head: ResponseHead | null = null
    let streaming = false
    let stopped = false
    let collected = 0
    const chunks: Array<Buffer> = []
    let abort = (): void => {
      stopped = true
    }
    const finish = () =>
      done(Effect.succeed({ ...(head ?? { status: 0, headers: {} }), body: Buffer.concat(chunks).toString("utf8") }))

    const end = (controller: Dispatcher.DispatchController) => {
      stopped = true
      finish()
      controller.abort(new Error("no more wanted"))
    }

    dispatcher.dispatch(
      {
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: request.method,
        headers: request.headers,
        body: request.body,
        // Zero would mean no limit at all.
        headersTimeout: Math.max(1, Math.ceil(request.headerTimeoutMs)),
        bodyTimeout: Math.max(1, Math.ceil(request.idleTimeoutMs))
      },
      {
        onRequestStart(controller) {
          abort = () => controller.abort(new Error("interrupted"))
          if (stopped) abort()
        },
        onResponseStart(controller, status, headers) {
          if (status < 200) return
          head = { status, headers: plain(headers) }
          streaming = receiver.head(
            head,
            () => controller.resume(),
            () => end(controller)
          )
        },
        onResponseData(controller, chunk) {
          if (!streaming) {
            collected += chunk.length
            if (collected <= collectLimit) chunks.push(chunk)
            else {
              stopped = true
              finish()
              controller.abort(new Error("body over the limit"))
            }
            return
          }
          const demand = receiver.data(chunk)
          if (demand === "pause") controller.pause()
          else if (demand === "stop") end(controller)
        },
        onResponseEnd: finish,
        onResponseError(_, error) {
          if (!stopped) done(failure(error, head === null ? "header" : "body"))
        }
      }
    )
    return Effect.sync(() => abort())
  })

/** What is no HTTP has no code, and quotes what came. */
const notHttp = "HTTPParserError"

/** What the system and undici report has a code; anything else was thrown by a receiver and is a defect. */
const failure = (error: Error, phase: "header" | "body"): Effect.Effect<never, DispatchError> => {
  const code = "code" in error && typeof error.code === "string" ? error.code : null
  if (code === null && error.name !== notHttp) return Effect.die(error)
  return Effect.fail(
    new DispatchError({
      phase,
      // A connection that was not made in time is one that was not made.
      timedOut: code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT",
      code: code ?? notHttp
    })
  )
}

const plain = (
  headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
): Record<string, string> => {
  const out: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) out[name.toLowerCase()] = typeof value === "string" ? value : value.join(", ")
  }
  return out
}
