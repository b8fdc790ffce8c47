/**
 * MessagesResponse: the client's socket on the hot path: a body read whole, an answer written event by event or as bytes.
 *
 * The only file of the server that knows Node's request and response. Everything else about them goes through the
 * router; here a copy, a stream or a fiber for each chunk would cost more than the chunk is worth.
 *
 * **Details**
 *
 * A client that reads slowly holds its own upstream back and nobody else. One that has no room for `missedPings` pings
 * in a row, which is about five minutes, is given up: its socket is closed, which interrupts the request and frees the
 * permit.
 *
 * **Source:** Node.js `http.ServerResponse`, backpressure by `write` and `drain`.
 */
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { IncomingMessage, ServerResponse } from "node:http"
import { encodeEvents, PING } from "../codec/SseFraming.ts"
import type { AnswerHead, EventSink } from "../exchange/Relay.ts"
import type { MessageEvent } from "../message/MessageEvent.ts"

/** Pings, at most 15 s apart, that a client may have no room for: whoever reads nothing for so long gives its permit back. */
const missedPings = 6

/** What a body's reading came to. */
export type ReadBody = Uint8Array | "too_large"

export class MessagesResponse implements EventSink {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #headersOf: (head: AnswerHead) => Record<string, string>
  #isFull = false
  #missed = 0

  private constructor(
    request: IncomingMessage,
    response: ServerResponse,
    headersOf: (head: AnswerHead) => Record<string, string>
  ) {
    this.#request = request
    this.#response = response
    this.#headersOf = headersOf
  }

  /**
   * The socket side of a request of Node's own server, or null for any other.
   *
   * @param headersOf headers of a streamed answer beside those that make it a stream
   */
  static of(
    request: HttpServerRequest.HttpServerRequest,
    headersOf: (head: AnswerHead) => Record<string, string>
  ): MessagesResponse | null {
    const source = NodeHttpServerRequest.toIncomingMessage(request)
    const response = NodeHttpServerRequest.toServerResponse(request)
    return source instanceof IncomingMessage && response instanceof ServerResponse
      ? new MessagesResponse(source, response, headersOf)
      : null
  }

  /** Whether the status line has gone out. */
  get opened(): boolean {
    return this.#response.headersSent
  }

  /** Whether the client has gone away. */
  get isGone(): boolean {
    return this.#response.destroyed && !this.#response.writableFinished
  }

  /** The whole body; `too_large` as soon as that is known. Where the client goes away, the request is interrupted. */
  read(limit: number): Effect.Effect<ReadBody> {
    return Effect.callback((done) => {
      const request = this.#request
      if (Number(request.headers["content-length"] ?? 0) > limit) return done(Effect.succeed("too_large"))
      if (request.headers.expect !== undefined) this.#response.writeContinue()
      const chunks: Array<Buffer> = []
      let length = 0
      const onData = (chunk: Buffer) => {
        length += chunk.length
        if (length <= limit) chunks.push(chunk)
        else {
          stop()
          done(Effect.succeed("too_large"))
        }
      }
      const onEnd = () => {
        stop()
        done(Effect.succeed(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)))
      }
      const stop = () => {
        request.off("data", onData).off("end", onEnd).pause()
      }
      request.on("data", onData).on("end", onEnd).on("error", ignore)
      return Effect.sync(stop)
    })
  }

  readonly open = (head: AnswerHead, resume: () => void): void =>
    this.begin(
      200,
      {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        // A proxy in front that buffers would turn a stream into silence.
        "x-accel-buffering": "no",
        ...this.#headersOf(head)
      },
      resume
    )

  /** Begins an answer of bytes, which come by `pass`. @param resume called when there is room again */
  begin(status: number, headers: Record<string, string>, resume: () => void): void {
    this.#response.writeHead(status, headers)
    this.#response.on("drain", () => {
      this.#isFull = false
      this.#missed = 0
      resume()
    })
  }

  readonly write = (events: ReadonlyArray<MessageEvent>): boolean => {
    const room = this.#response.write(encodeEvents(events))
    this.#isFull = !room
    return room
  }

  readonly pass = (bytes: Uint8Array): boolean => {
    const room = this.#response.write(bytes)
    this.#isFull = !room
    return room
  }

  readonly ping = (): void => {
    if (this.#isFull) this.look()
    else this.#response.write(PING)
  }

  /** Gives the client up that had no room at too many looks in a row; for answers that know no pings. */
  look(): void {
    if (this.#isFull && ++this.#missed > missedPings) this.abort()
  }

  /** Ends an answer that is not whole so that the client sees it. */
  abort(): void {
    this.#response.destroy()
  }

  /** Ends a streamed answer, after some last text. */
  end(text = ""): void {
    this.#response.end(text)
  }

  /** Sends a whole answer. */
  send(status: number, headers: Record<string, string>, body: string | Uint8Array): void {
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body
    this.#response.writeHead(status, {
      "content-type": "application/json",
      "content-length": String(bytes.length),
      ...headers
    })
    this.#response.end(bytes)
  }
}

/** A broken request shows as the response's end, which interrupts the request. */
const ignore = (): void => {}
