/**
 * Forwarding: one call passed on as it is, with one credential after another until one answers.
 *
 * The pool is told little of it: what such a call comes to says nothing of how messages fare, whose limits are others.
 * Only what holds for the account as a whole counts against its credential: a key that is refused, a balance used up.
 */
import { type Clock, Deferred, Effect, Result } from "effect"
import { join } from "../codec/SseFrames.ts"
import type { CredentialPool } from "../credential/CredentialPool.ts"
import type { Need } from "../credential/Eligibility.ts"
import type { FailureReason } from "../message/FailureReason.ts"
import type { CredentialId } from "../message/Ids.ts"
import { failure } from "../upstream/UpstreamFailure.ts"
import type { ForwardCall, ForwardHead, ForwardSink, UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { Delays } from "./Delays.ts"
import { ExchangeError } from "./ExchangeError.ts"
import { Failover } from "./Failover.ts"

export interface ForwardingServices {
  readonly pool: CredentialPool["Service"]
  readonly provider: UpstreamProvider["Service"]
  readonly clock: Clock.Clock
}

/** What is passed on, and to whom it may go. */
export interface Forwarding {
  readonly call: ForwardCall
  readonly need: Pick<Need, "client" | "conversation" | "holder" | "model" | "only" | "upstreams">
  /** Most credentials that are tried. */
  readonly tries: number
  /** Whether another credential may be tried after this failure, as far as the call itself is concerned. */
  readonly mayRepeat: (reason: FailureReason) => boolean
}

/** By whom an answer is given. */
export interface Tried {
  readonly upstream: string
  readonly attempts: number
}

/** Where an answer goes. */
export interface AnswerSink extends Pick<ForwardSink, "data"> {
  readonly head: (head: ForwardHead, tried: Tried, resume: () => void) => void
}

/** An answer that was given. */
export interface Forwarded {
  readonly owner: CredentialId
  readonly tried: Tried
}

type Attempt =
  | { readonly kind: "answered"; readonly forwarded: Forwarded }
  /** `delay`: before another credential is tried, or null where none may be. Milliseconds. */
  | { readonly kind: "failed"; readonly error: ExchangeError; readonly delay: number | null }

/** Tries until a credential answers, or no other may be tried. Nothing is repeated once the answer was begun. */
export const forward = Effect.fnUntraced(function* (
  services: ForwardingServices,
  forwarding: Forwarding,
  sink: AnswerSink
): Effect.fn.Return<Forwarded, ExchangeError> {
  const failover = new Failover({ maxAttempts: forwarding.tries, maxAttemptsPerCredential: 1 })
  const delays = new Delays()
  for (;;) {
    const attempt: Attempt = yield* once(services, forwarding, sink, failover, delays)
    if (attempt.kind === "answered") return attempt.forwarded
    if (attempt.delay === null || !(yield* services.pool.canServe(needOf(forwarding, failover)))) {
      return yield* attempt.error
    }
    yield* Effect.sleep(attempt.delay)
  }
})

const needOf = ({ need }: Forwarding, { barred, tried }: Failover): Need => ({
  ...need,
  exclude: tried,
  barred: new Set([...barred, ...tried])
})

const once = Effect.fnUntraced(function* (
  { clock, pool, provider }: ForwardingServices,
  forwarding: Forwarding,
  sink: AnswerSink,
  failover: Failover,
  delays: Delays
) {
  const need = needOf(forwarding, failover)
  const leased = yield* Effect.result(pool.lease(need))
  if (Result.isFailure(leased)) return refused({ _tag: "Pool", pool: leased.failure.reason })
  const lease = leased.success
  const { id, upstream } = lease.credential
  failover.begin(id)
  const tried = { upstream, attempts: failover.attempts }
  let isShown = false
  const sent = yield* Effect.result(
    provider.forward(forwarding.call, lease, {
      head: (head, resume) => {
        isShown = true
        sink.head(head, tried, resume)
      },
      data: sink.data
    })
  )
  if (Result.isSuccess(sent)) {
    const { conversation } = forwarding.need
    if (conversation !== null) yield* pool.report(lease, { kind: "success", conversation })
    return { kind: "answered", forwarded: { owner: id, tried } } satisfies Attempt
  }
  const { reason } = sent.failure
  if (ofTheAccount.has(reason.kind)) {
    yield* pool.report(lease, { kind: "failure", reason, need, mayRetrySame: false })
  }
  const verdict = failover.judge(id, reason, isShown)
  const next = verdict.kind === "refresh" ? failover.pass(id, "auth", true) : verdict
  const delay =
    next.kind === "retry" && forwarding.mayRepeat(reason)
      ? yield* delays.after(next.by, clock.currentTimeMillisUnsafe())
      : null
  return refused({ _tag: "Upstream", failure: reason }, tried, delay?.switching ?? null)
}, Effect.scoped)

const ofTheAccount: ReadonlySet<FailureReason["kind"]> = new Set<FailureReason["kind"]>([
  "key_rejected",
  "account_suspended",
  "overage_request_limit"
])

const refused = (reason: ExchangeError["reason"], tried?: Tried, delay: number | null = null): Attempt => ({
  kind: "failed",
  error: new ExchangeError(tried === undefined ? { reason } : { reason, tried }),
  delay
})

/** Longest answer that is taken whole. Bytes. */
const longestWhole = 32 * 1024 * 1024

/** An answer that was taken whole. */
export interface WholeAnswer extends Forwarded {
  readonly head: ForwardHead
  readonly body: Uint8Array
}

/** The same, the answer taken whole. */
export const forwardWhole = Effect.fnUntraced(function* (
  services: ForwardingServices,
  forwarding: Forwarding
): Effect.fn.Return<WholeAnswer, ExchangeError> {
  const overflow = Deferred.makeUnsafe<never, ExchangeError>()
  const chunks: Array<Uint8Array> = []
  let length = 0
  let head: ForwardHead = { status: 200, headers: {} }
  const sink: AnswerSink = {
    head: (told) => {
      head = told
    },
    data: (bytes) => {
      length += bytes.length
      if (length <= longestWhole) chunks.push(bytes)
      else Deferred.doneUnsafe(overflow, tooLong)
      return length <= longestWhole
    }
  }
  const forwarded = yield* Effect.raceFirst(forward(services, forwarding, sink), Deferred.await(overflow))
  return { ...forwarded, head, body: join(chunks) }
})

const tooLong = Effect.suspend(() =>
  Effect.fail(
    new ExchangeError({
      reason: {
        _tag: "Upstream",
        failure: failure("stream_broken", "none", "the upstream's answer is too long").reason
      }
    })
  )
)
