/**
 * SocketAnswer: what every answer has in common that is written to the socket past the router.
 */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { encodeError } from "../codec/SseFraming.ts"
import type { ErrorAnswer } from "../exchange/ErrorAnswer.ts"
import type { ExchangeError } from "../exchange/ExchangeError.ts"
import { errorBody, errorHeaders } from "./ErrorResponse.ts"
import type { MessagesResponse } from "./MessagesResponse.ts"

type Headers = Readonly<Record<string, string>>

/** Stands for an answer that has been written to the socket already; the server sees that it was. */
export const sent = HttpServerResponse.empty()

/** The query of a request's address, with its question mark; empty where there is none. */
export const queryOf = (url: string): string => {
  const at = url.indexOf("?")
  return at === -1 ? "" : url.slice(at)
}

/** Tells the client: by a status, or, where one has gone out, by the stream's last event. */
export const refuse = (socket: MessagesResponse, own: Headers, id: string, error: ErrorAnswer, defect?: unknown) => {
  const told = Effect.sync(() => {
    if (socket.opened) socket.end(encodeError(error.type, error.message, id, error.details))
    else socket.send(error.status, { ...own, ...errorHeaders(error) }, JSON.stringify(errorBody(error, id)))
    return sent
  })
  return defect === undefined ? told : logged(defect, told)
}

/** How an answer came about. */
export const attemptsOf = ({
  attempts,
  upstream
}: {
  readonly upstream: string
  readonly attempts: number
}): Record<string, string> => ({
  "weir-upstream": upstream,
  "weir-attempts": String(attempts)
})

/** The same of an answer that did not come about. */
export const triedBy = (own: Headers, { tried }: ExchangeError): Headers =>
  tried === undefined ? own : { ...own, ...attemptsOf(tried) }

/** Logs a mistake of the program; JSON that is nested too deeply is none. */
export const logged = <A, E, R>(defect: unknown, then: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  defect instanceof RangeError
    ? then
    : Effect.andThen(Effect.logError("A request met a mistake of the program", defect), then)
