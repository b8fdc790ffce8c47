/**
 * SseAnswer: an answer that is a stream of server-sent events, and how an event of ours is written.
 *
 * **Source:** WHATWG HTML, server-sent events.
 */
import { Stream } from "effect"
import { HttpServerResponse } from "effect/http"

/** A comment: keeps a quiet stream alive. */
export const heartbeat = ": heartbeat\n\n"

/** Such comments, every 15 seconds. */
export const quiet: Stream.Stream<string> = Stream.tick("15 seconds").pipe(
  Stream.drop(1),
  Stream.map(() => heartbeat)
)

/** One event. @param data becomes one line of JSON */
export const event = (name: string, data: unknown, id?: number): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** An answer that lasts as long as the text comes; it is written no faster than its reader reads. */
export const sseAnswer = (
  text: Stream.Stream<string>,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(Stream.encodeText(text), {
    contentType: "text/event-stream; charset=utf-8",
    headers: { "x-accel-buffering": "no", ...headers }
  })

/** Whether a client asks for such a stream. */
export const wantsEvents = (headers: Readonly<Record<string, string | undefined>>): boolean =>
  (headers["accept"] ?? "").toLowerCase().includes("text/event-stream")
