/**
 * Exchange: one client request from start to settlement. The only place where the stations meet.
 *
 * One fiber owns the request. Each attempt has a Scope of its own that holds the lease; interrupting the fiber closes
 * the upstream's socket and frees the permit.
 */
import { Cause, Clock, Context, Deferred, Effect, Layer, Option, type Scope } from "effect"
import { CacheAccounting } from "../cache/CacheAccounting.ts"
import { MessageAccumulator } from "../codec/MessageAccumulator.ts"
import { RuntimeSettings } from "../config/RuntimeSettings.ts"
import { CredentialPool } from "../credential/CredentialPool.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { withoutBillingLine } from "../message/BillingLine.ts"
import type { ClientKeyId } from "../message/Ids.ts"
import type { Message, MessageStart } from "../message/MessageEvent.ts"
import type { Original } from "../message/Original.ts"
import type { MessagesRequest } from "../message/MessagesRequest.ts"
import type { RecordedUsage, RequestIntent } from "../message/RequestRecord.ts"
import type { Usage } from "../message/Usage.ts"
import { clientModelName } from "../policy/ModelCatalog.ts"
import { applySystemPrompt, noPrompt } from "../policy/SystemPrompt.ts"
import { failure } from "../upstream/UpstreamFailure.ts"
import { type Settlement, UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { makeId } from "./AnswerIds.ts"
import * as Attempts from "./Attempts.ts"
import { affinityOf, conversationOf } from "./Conversation.ts"
import { draining, fromDefect, fromExchange } from "./ErrorAnswer.ts"
import { ExchangeError } from "./ExchangeError.ts"
import { Heartbeat } from "./Heartbeat.ts"
import { ModelList } from "./ModelList.ts"
import * as Pins from "./Pins.ts"
import { PinStore } from "./PinStore.ts"
import { Recording, recordedOf } from "./Recording.ts"
import { type AnswerHead, type EventSink, Relay } from "./Relay.ts"
import { Trail } from "./Trail.ts"

/** A client's request as it stands after authentication and validation. */
export interface ClientRequest {
  /** Names it in the ledger; no other request has it. */
  readonly requestId: string
  readonly request: MessagesRequest
  /** The request as it came, for upstreams that take it so; null where it came from no client. */
  readonly original: Original | null
  /** Whose it is; clients take turns where requests have to wait. Null: nobody's in particular. */
  readonly id: ClientKeyId | null
  /** The conversation as the client's header names it. */
  readonly session: string | null
  /** Events are held back until `message_start` can carry the final usage. */
  readonly hold: boolean
  /** Whether the client has gone away; asked where the request is interrupted. */
  readonly isGone: () => boolean
  /** Told what the record has as soon as the request is settled, however it ends. Only the first counts. */
  readonly settled?: (usage: RecordedUsage) => void
}

/** A whole answer and how it came about. */
export interface Answer {
  /** The message as JSON. */
  readonly body: string | Uint8Array
  /** Its usage, and where that comes from. */
  readonly usage: Usage
  readonly head: AnswerHead
}

export class Exchange extends Context.Service<
  Exchange,
  {
    /**
     * Answers event by event. Fails before `sink.open` where nothing went out; where it fails after, the answer is
     * incomplete and the sink's owner must say so.
     */
    readonly stream: (client: ClientRequest, sink: EventSink) => Effect.Effect<void, ExchangeError>
    /** Answers with the whole message. */
    readonly complete: (client: ClientRequest) => Effect.Effect<Answer, ExchangeError>
  }
>()("weir/exchange/Exchange") {
  static readonly layer: Layer.Layer<
    Exchange,
    never,
    CacheAccounting | CredentialPool | Heartbeat | Ledger | ModelList | PinStore | RuntimeSettings | UpstreamProvider
  > = Layer.effect(
    Exchange,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const accounting = yield* CacheAccounting
  const clock = yield* Clock.Clock
  const heartbeat = yield* Heartbeat
  const ledger = yield* Ledger
  const models = yield* ModelList
  const settings = yield* RuntimeSettings
  const pins = yield* PinStore
  const pool = yield* CredentialPool
  const provider = yield* UpstreamProvider

  const now = () => clock.currentTimeMillisUnsafe()

  /** Whatever becomes of the request, its record is settled once. */
  const recorded = <A>(
    client: ClientRequest,
    serve: (recording: Recording) => Effect.Effect<A, ExchangeError, Scope.Scope>
  ): Effect.Effect<A, ExchangeError> =>
    Effect.suspend(() => {
      const { id: keyId, request, requestId, session } = client
      const intent: RequestIntent = {
        id: requestId,
        time: now(),
        keyId,
        model: request.model.slice(0, longestName),
        resolvedModel: models.resolve(request.model).id.slice(0, longestName),
        stream: request.stream === true,
        conversation: conversationOf(session, request)
      }
      const recording = new Recording(intent, now, client.settled)
      return ledger.open(intent, recording.soFar).pipe(
        Effect.mapError(() => new ExchangeError({ reason: { _tag: "Unrecorded" } })),
        Effect.tap((open) => Effect.sync(() => recording.opened(open))),
        Effect.andThen(Effect.scoped(serve(recording))),
        Effect.onError((cause) => Effect.sync(() => unfinished(recording, cause, client)))
      )
    })

  const answer = Effect.fnUntraced(function* (
    client: ClientRequest,
    sink: EventSink,
    recording: Recording
  ): Effect.fn.Return<Ended, ExchangeError, Scope.Scope> {
    const current = settings.current()
    const { thread } = client.request
    const continues = thread?.type === "continue"
    const only = yield* Pins.ownerOf(pins, client.request)
    const model = models.resolve(client.request.model)
    // A thread has the system prompt that it began with.
    const ownPrompt = continues ? noPrompt : current.systemPrompt
    const prompted = applySystemPrompt(client.request, ownPrompt)
    const changes = {
      ...(model.named === null ? {} : { model: model.named }),
      ...(prompted === client.request ? {} : { system: prompted.system })
    }
    const request = applySystemPrompt(withoutBillingLine(client.request), ownPrompt)
    const conversation = conversationOf(client.session, request)
    const affinity = affinityOf(conversation, request)
    const plan = yield* Effect.mapError(
      accounting.plan(request, models.planned(model.id), affinity.to),
      ({ path, problem }) => new ExchangeError({ reason: { _tag: "Refused", path, problem } })
    )
    // A client is told its own name of the model, unless an operator's alias put another model in its place.
    const named = model.substituted ? clientModelName(model.id) : request.model
    const start = messageStart(yield* makeId("msg_"), named, plan.inputEstimate)
    const relay = new Relay(start, sink, now, client.hold)
    relay.head.reportedRatio = plan.reportedRatio
    const spent = () => {
      const { soFar } = relay
      return soFar === null ? null : accounting.unfinished(plan, soFar)
    }
    const spentByAttempt = () => {
      const usage = spent()
      return usage === null ? null : recordedOf(usage)
    }
    const trail = new Trail(relay, spentByAttempt, now)
    recording.making({ relay, trail, spent })
    yield* heartbeat.watch(relay)

    const cachePoints = plan.isCacheable && current.cache.native ? models.cachePoints(model.id) : 0
    const call = {
      request,
      original: client.original,
      changes,
      model: model.id,
      conversation,
      cachePoints,
      affinity,
      holder: plan.holder,
      upstreams: models.route(client.request.model),
      only,
      client: client.id
    }
    const attempts = Attempts.run({ pool, provider, settings: current, clock, trail }, call, relay)
    const { lease, settlement } = yield* Effect.mapError(attempts, (error) =>
      withHead(continues ? ofThread(error) : error, relay.head)
    )
    const { id } = lease.credential
    const usage = yield* accounting.settle(plan, id, settlement)
    // Known before the client hears of the end, so that it can go on at once.
    yield* Pins.keep(pins, settlement.made, id, (kind) => kind !== "thread" || thread != null)
    return { relay, settlement, usage }
  })

  const finish = ({ relay, settlement: { stopReason, stopSequence, verbatim }, usage }: Ended) =>
    verbatim === null
      ? relay.finish({ stop_reason: stopReason, stop_sequence: stopSequence }, usage)
      : relay.finishVerbatim(verbatim, usage)

  return Exchange.of({
    stream: (client, sink) =>
      recorded(client, (recording) =>
        Effect.map(answer(client, sink, recording), (ended) => {
          // The record is kept before the client hears of the end.
          recording.ok(ended.settlement.stopReason, ended.usage)
          finish(ended)
        })
      ),
    complete: (client) =>
      recorded(
        client,
        Effect.fnUntraced(function* (recording) {
          const collected = collector()
          // Nothing goes out before the end, so that until then another attempt may follow.
          const whole = answer({ ...client, hold: true }, collected.sink, recording)
          const ended = yield* Effect.raceFirst(whole, Deferred.await(collected.overflow))
          finish(ended)
          if (collected.isTooLong()) return yield* tooLong
          const { relay, settlement, usage } = ended
          recording.ok(settlement.stopReason, usage)
          return { body: collected.body(), usage, head: relay.head }
        })
      )
  })
})

/** An answer of which all but the end may have gone out. */
interface Ended {
  readonly relay: Relay
  readonly settlement: Settlement
  readonly usage: Usage
}

/** Longest model name that is kept. Characters. */
const longestName = 256

const unfinished = (recording: Recording, cause: Cause.Cause<ExchangeError>, { isGone }: ClientRequest): void => {
  const failed = Cause.findErrorOption(cause)
  if (Option.isSome(failed)) recording.failed(fromExchange(failed.value))
  else if (!Cause.hasInterruptsOnly(cause)) recording.failed(fromDefect(Cause.squash(cause)))
  else if (isGone()) recording.closed()
  else recording.failed(draining)
}

/** With the account everything is gone that lived there; clients know how to begin anew. */
const ofThread = (error: ExchangeError) =>
  isLost(error) ? new ExchangeError({ reason: { _tag: "ThreadNotFound" } }) : error

/** Its account is gone, or out of reach until a person acts. */
const isLost = ({ reason }: ExchangeError): boolean =>
  reason._tag === "Pool"
    ? reason.pool._tag === "Gone" || reason.pool._tag === "NoneEnabled"
    : reason._tag === "Upstream" &&
      (reason.failure.kind === "key_rejected" || reason.failure.kind === "account_suspended")

const withHead = (error: ExchangeError, { attempts, upstream }: AnswerHead) =>
  attempts === 0 ? error : new ExchangeError({ ...membersOf(error), tried: { upstream, attempts } })

const membersOf = ({ reason, recoversInMs }: ExchangeError) =>
  recoversInMs === undefined ? { reason } : { reason, recoversInMs }

const messageStart = (id: string, model: string, inputTokens: number): MessageStart => ({
  type: "message_start",
  message: {
    id,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: inputTokens,
      output_tokens: 1,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }
    }
  }
})

/** Cut short it would be another answer than the upstream's; the client can still have it as a stream. */
const tooLong = new ExchangeError({
  reason: {
    _tag: "Upstream",
    failure: failure("stream_broken", "none", "the answer is too long to be given whole; ask for it as a stream").reason
  }
})

/** Adds events up to the message they make. */
const collector = () => {
  const overflow = Deferred.makeUnsafe<never, ExchangeError>()
  let isTooLong = false
  const content = new MessageAccumulator()
  let message: Message | null = null
  let passed: Uint8Array | null = null
  const sink: EventSink = {
    open: () => {},
    ping: () => {},
    // What is held whole comes at once.
    pass: (bytes) => {
      passed = bytes
      return true
    },
    write: (events) => {
      for (const event of events) {
        if (event.type === "message_start") message = event.message
        else if (event.type === "message_delta" && message !== null)
          message = { ...message, ...event.delta, usage: event.usage }
        else if (event.type !== "message_stop" && event.type !== "message_delta" && !content.push([event])) {
          isTooLong = true
          Deferred.doneUnsafe(overflow, Effect.fail(tooLong))
          return false
        }
      }
      return true
    }
  }
  return {
    sink,
    /** Fails as soon as the answer is longer than can be given; no more of it is then taken. */
    overflow,
    isTooLong: () => isTooLong,
    body: (): string | Uint8Array => {
      if (passed !== null) return passed
      if (message === null) throw new Error("an answer without a start")
      return JSON.stringify({ ...message, content: content.finish() })
    }
  }
}
