/**
 * AnthropicForward: a client's call of Anthropic's API passed on as it is, and its answer streamed back.
 *
 * Of the answer's headers only those go on that are about its body: what else there is names the account and its limits.
 */
import { Effect } from "effect"
import type { Lease } from "../../message/Lease.ts"
import type { ResponseHead, Sender } from "../Dispatch.ts"
import { broken, type UpstreamFailure } from "../UpstreamFailure.ts"
import type { ForwardCall, ForwardHead, ForwardSink } from "../UpstreamProvider.ts"
import { addressOf, type AnthropicOptions, credentialHeader, ownHeaders, passedOn, rejected } from "./AnthropicHttp.ts"

/** What a call needs beside itself. */
export interface ForwardServices {
  readonly dispatch: Sender
  readonly options: AnthropicOptions
}

/** Passes one call on. Any other status than a success, or that nothing has changed, is a failure. */
export const forward = Effect.fnUntraced(function* (
  { dispatch, options }: ForwardServices,
  call: ForwardCall,
  lease: Lease,
  sink: ForwardSink
): Effect.fn.Return<void, UpstreamFailure> {
  const response = yield* dispatch
    .push(
      {
        url: addressOf(options, call.path, call.query),
        method: call.method,
        headers: { ...ownHeaders(options), ...passedOn(call.headers), ...credentialHeader(lease) },
        body: call.body,
        headerTimeoutMs: call.headerTimeoutMs,
        idleTimeoutMs: call.idleTimeoutMs
      },
      {
        head: (head, resume) => {
          const accepted = accepts(head)
          if (accepted) sink.head(shownOf(head), resume)
          return accepted
        },
        data: (chunk) => (sink.data(chunk) ? "more" : "pause")
      }
    )
    .pipe(Effect.mapError(broken))
  if (!accepts(response)) return yield* rejected(response, lease)
})

const accepts = ({ status }: ResponseHead): boolean => (status >= 200 && status < 300) || status === 304

const shown = [
  "content-type",
  "content-length",
  "content-disposition",
  "content-encoding",
  "content-range",
  "accept-ranges",
  "etag",
  "last-modified"
]

const shownOf = ({ headers, status }: ResponseHead): ForwardHead => ({
  status,
  headers: Object.fromEntries(
    shown.flatMap((name) => {
      const value = headers[name]
      return value === undefined ? [] : [[name, value]]
    })
  )
})
