/**
 * AccountCalls: files and batches, which live at the account that made them.
 *
 * What is made or listed goes where the same client's last went, so that a client finds what it made; what has an id goes
 * to the one credential that it is known of. Clients of one gateway share its accounts: who knows an id may use it.
 */
import { Clock, Context, Duration, Effect, Fiber, Layer } from "effect"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import type { FailureReason } from "../message/FailureReason.ts"
import type { ClientKeyId, CredentialId, UpstreamId } from "../message/Ids.ts"
import { UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { type AccountAction, methodOf, pathOf } from "./AccountAction.ts"
import { idsOf, jsonOf, withOwnResults } from "./AccountAnswer.ts"
import { wholeAnswerMs } from "./Attempts.ts"
import { ExchangeError } from "./ExchangeError.ts"
import {
  type AnswerSink,
  forward,
  type Forwarded,
  type Forwarding,
  forwardWhole,
  type WholeAnswer
} from "./Forwarding.ts"
import { find, keep, namedInBatch, ownerOfAny } from "./Pins.ts"
import { PinStore } from "./PinStore.ts"

/** A client's call. */
export interface AccountCall {
  readonly action: AccountAction
  /** With its question mark; empty where there is none. */
  readonly query: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  readonly client: ClientKeyId
  /** Scheme and host of this gateway as the client knows it; empty where that is not known. */
  readonly origin: string
}

export class AccountCalls extends Context.Service<
  AccountCalls,
  {
    /** Answers with the whole of what the upstream says. What was made is remembered before. */
    readonly answer: (call: AccountCall) => Effect.Effect<WholeAnswer, ExchangeError>
    /** Passes an answer on as it comes. Fails before `sink.head` where there is none; after, it is incomplete. */
    readonly stream: (call: AccountCall, sink: AnswerSink) => Effect.Effect<Forwarded, ExchangeError>
  }
>()("weir/exchange/AccountCalls") {
  /** @param upstreams those that keep files and batches; no other is asked */
  static readonly layer = (
    upstreams: ReadonlyArray<UpstreamId>
  ): Layer.Layer<AccountCalls, never, CredentialPool | PinStore | RuntimeSettings | UpstreamProvider> =>
    Layer.effect(AccountCalls, make(upstreams))
}

/** Most credentials that are asked to make something, or for a list. */
const mostTries = 3

const make = Effect.fnUntraced(function* (upstreams: ReadonlyArray<UpstreamId>) {
  const pins = yield* PinStore
  const scope = yield* Effect.scope
  const settings = yield* RuntimeSettings
  const services = { pool: yield* CredentialPool, provider: yield* UpstreamProvider, clock: yield* Clock.Clock }

  const forwardingOf = Effect.fnUntraced(function* (call: AccountCall): Effect.fn.Return<Forwarding, ExchangeError> {
    if (upstreams.length === 0) return yield* notHere("no upstream of this gateway keeps files or batches")
    const { action, body, client, headers, query } = call
    const only = yield* ownerOf(call)
    const holder = only === null && action.id === null ? yield* find(pins, madeBy(client)) : null
    const { headerTimeout, idleTimeout } = settings.current().retry
    return {
      call: {
        method: methodOf(action),
        path: pathOf(action),
        query,
        headers,
        body,
        headerTimeoutMs: action.does === "create" ? wholeAnswerMs : Duration.toMillis(headerTimeout),
        idleTimeoutMs: Duration.toMillis(idleTimeout)
      },
      need: { model: null, upstreams, only, holder, conversation: null, client },
      tries: only === null ? mostTries : 1,
      mayRepeat: action.does === "create" ? wasRefused : () => true
    }
  })

  const ownerOf = Effect.fnUntraced(function* ({
    action: { id, kind },
    body
  }: AccountCall): Effect.fn.Return<CredentialId | null, ExchangeError> {
    if (id !== null) {
      const owner = yield* find(pins, id)
      return owner ?? (yield* notHere(`${kind}: ${id.slice(0, longestId)} is not known here`))
    }
    return kind === "batch" && body !== null ? yield* ownerOfAny(pins, namedInBatch(body)) : null
  })

  const remember = Effect.fnUntraced(function* (
    { action: { does, id, kind }, client }: Pick<AccountCall, "action" | "client">,
    owner: CredentialId,
    ids: ReadonlyArray<string>
  ) {
    if (does === "delete" && id !== null) {
      return yield* pins
        .remove(id)
        .pipe(Effect.catch((error) => Effect.logError(`The pin of ${kind} ${id} stays`, error)))
    }
    // What is listed may have been made elsewhere, or long ago.
    const made = does === "create" || does === "list" ? ids.map((id) => ({ kind, id })) : []
    const own = does === "create" ? [{ kind: "client" as const, id: madeBy(client) }] : []
    yield* keep(pins, [...made, ...own], owner)
  }, Effect.uninterruptible)

  return AccountCalls.of({
    answer: Effect.fn("AccountCalls.answer")(function* (call) {
      const asking = Effect.flatMap(forwardingOf(call), (forwarding) => forwardWhole(services, forwarding)).pipe(
        Effect.tap((answer) => remember(call, answer.owner, idsOf(jsonOf(answer.body)))),
        Effect.mapError(toldOf)
      )
      // What is being made is made, and remembered, though its client goes away meanwhile.
      const answer = yield* call.action.does === "create"
        ? Effect.flatMap(Effect.forkIn(asking, scope), Fiber.join)
        : asking
      if (call.action.kind !== "batch") return answer
      const text = new TextDecoder().decode(answer.body)
      return { ...answer, body: new TextEncoder().encode(withOwnResults(text, call.origin)) }
    }),
    stream: Effect.fn("AccountCalls.stream")((call, sink) =>
      Effect.mapError(
        Effect.flatMap(forwardingOf(call), (forwarding) => forward(services, forwarding, sink)),
        toldOf
      )
    )
  })
})

/** What a client key's last thing is known by. */
const madeBy = (client: ClientKeyId): string => `client:${client}`

/** Characters of an id that are repeated. */
const longestId = 128

/** An upstream that says no has made nothing; of one that failed that is not known, and a batch costs. */
const wasRefused = ({ kind, status }: FailureReason): boolean =>
  kind !== "timeout" && status !== null && (status < 500 || status === 529)

const notHere = (problem: string) => Effect.fail(new ExchangeError({ reason: { _tag: "NotHere", problem } }))

/** No model is asked for, so that none can be missing. */
const toldOf = (error: ExchangeError): ExchangeError =>
  error.reason._tag === "Pool" && error.reason.pool._tag === "NoneSuits"
    ? new ExchangeError({ reason: { _tag: "NotHere", problem: "no credential here keeps files or batches" } })
    : error
