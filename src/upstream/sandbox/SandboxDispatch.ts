/**
 * SandboxDispatch: replies in process, chunk by chunk, with the manners of a socket.
 *
 * A body comes in chunks that are cut without regard to frames, each in a turn of the event loop of its own; a full
 * receiver holds them back until it resumes, and interruption ends them. No time passes, so no timeout applies.
 */
import { Effect, Latch } from "effect"
import { Dispatch, type DispatchRequest, type DispatchResponse, type Receiver, type ResponseHead } from "../Dispatch.ts"
import { replyTo } from "./SandboxReply.ts"

/** Bytes of a chunk. */
const chunkBytes = 1024

export const make: Dispatch["Service"] = Dispatch.of({
  via: () => ({
    push: (request, receiver) => push(request, receiver),
    collect: (request) => push(request, collecting)
  })
})

const collecting: Receiver = { head: () => false, data: () => "more" }

const textOf = (body: DispatchRequest["body"]): string =>
  body === null ? "" : typeof body === "string" ? body : new TextDecoder().decode(body)

const push = Effect.fnUntraced(function* (
  request: DispatchRequest,
  receiver: Receiver
): Effect.fn.Return<DispatchResponse> {
  yield* Effect.yieldNow
  const { body, contentType, status } = replyTo(request.url.pathname, textOf(request.body))
  const head: ResponseHead = { status, headers: { "content-type": contentType } }
  const flow = Latch.makeUnsafe(true)
  const resume = () => flow.openUnsafe()
  if (!receiver.head(head, resume, resume)) return { ...head, body: new TextDecoder().decode(body) }
  for (let at = 0; at < body.length; at += chunkBytes) {
    yield* Effect.yieldNow
    // Closed before the chunk is handed over: a receiver may resume before it has even said that it is full.
    flow.closeUnsafe()
    const demand = receiver.data(body.subarray(at, at + chunkBytes))
    if (demand === "stop") break
    if (demand === "pause") yield* flow.await
  }
  return { ...head, body: "" }
})
