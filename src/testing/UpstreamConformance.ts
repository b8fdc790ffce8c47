/**
 * UpstreamConformance: what every `UpstreamProvider` keeps to, whatever its upstream speaks.
 *
 * A provider is tried through a subject: the provider, a lease and a call for it, and a way to make its upstream behave.
 * Each case says in one sentence what it holds the provider to, and fails with what it saw instead.
 *
 * @example
 * for (const { name, run } of conformanceCases) it.live(name, () => Effect.scoped(Effect.flatMap(makeSubject, run)))
 */
import { Deferred, Effect, Fiber, Redacted, Result, Schedule, Schema, type Scope } from "effect"
import type { FailureKind, FailureReason, FailureScope } from "../message/FailureReason.ts"
import type { Lease } from "../message/Lease.ts"
import type { Settlement, UpstreamCall, UpstreamProvider } from "../upstream/UpstreamProvider.ts"
import { makeRecorder, type Recorder } from "./SinkRecorder.ts"

/**
 * What an upstream does with the next message:
 *
 * - `answers`: at once, with a short text; `flows`: with at least 8 MiB, as fast as it is read
 * - `cut`: the socket breaks after the first content; `ends`: the body ends there as if it were whole
 * - `hangs`: no header ever comes; `stalls`: nothing more comes after the first content
 * - `limited`: 429 and `retry-after: 7`; `overloaded`: no capacity for the model; `fails`: 500
 * - `forbids`: the credential is not accepted; `refuses`: the request is not accepted; `knows_no_model`: nor its model
 */
export type Behaviour =
  | "answers"
  | "flows"
  | "cut"
  | "ends"
  | "hangs"
  | "stalls"
  | "limited"
  | "overloaded"
  | "fails"
  | "forbids"
  | "refuses"
  | "knows_no_model"

/** A provider and what it needs to be tried; each case gets a fresh one. */
export interface ConformanceSubject {
  readonly provider: UpstreamProvider["Service"]
  readonly lease: Lease
  /** A small streamed request; time-outs are the case's. */
  readonly call: Omit<UpstreamCall, "headerTimeoutMs" | "idleTimeoutMs">
  readonly behave: (behaviour: Behaviour) => Effect.Effect<void>
  /** Answers that the upstream is giving now. */
  readonly openStreams: Effect.Effect<number>
  /** The same lease, but nobody listens at its upstream's address. */
  readonly unreachable: UpstreamProvider["Service"]
}

/** What a case saw instead of what it asks for. */
export class ConformanceError extends Schema.TaggedError<ConformanceError>()("ConformanceError", {
  message: Schema.String
}) {}

export interface ConformanceCase {
  readonly name: string
  readonly run: (subject: ConformanceSubject) => Effect.Effect<void, ConformanceError, Scope.Scope>
}

/** Milliseconds. */
const patient = { headerTimeoutMs: 10_000, idleTimeoutMs: 10_000 }

const check = (holds: boolean, message: string): Effect.Effect<void, ConformanceError> =>
  holds ? Effect.void : Effect.fail(new ConformanceError({ message }))

const send = (subject: ConformanceSubject, recorder: Recorder, timeouts: Partial<typeof patient> = {}) =>
  subject.provider.send({ ...subject.call, ...patient, ...timeouts }, subject.lease, recorder.sink)

/** The answer of an upstream that behaves well. */
const answered = (subject: ConformanceSubject, recorder: Recorder): Effect.Effect<Settlement, ConformanceError> =>
  Effect.mapError(
    send(subject, recorder),
    ({ message }) => new ConformanceError({ message: `it answers, but the provider fails: ${message}` })
  )

/** The failure of one that does not. */
const refused = (
  subject: ConformanceSubject,
  recorder: Recorder,
  timeouts: Partial<typeof patient> = {}
): Effect.Effect<FailureReason, ConformanceError> =>
  Effect.flatMap(Effect.result(send(subject, recorder, timeouts)), (result) =>
    Result.isFailure(result)
      ? Effect.succeed(result.failure.reason)
      : Effect.fail(new ConformanceError({ message: "the provider says that the answer ended well" }))
  )

const failsAs = (
  behaviour: Behaviour,
  kinds: ReadonlyArray<FailureKind>,
  scope: FailureScope,
  more: (reason: FailureReason) => Effect.Effect<void, ConformanceError> = () => Effect.void
): ConformanceCase["run"] =>
  Effect.fnUntraced(function* (subject) {
    yield* subject.behave(behaviour)
    const recorder = makeRecorder()
    const reason = yield* refused(subject, recorder)
    yield* check(kinds.includes(reason.kind), `the failure is ${reason.kind}, not one of ${kinds.join(", ")}`)
    yield* check(reason.scope === scope, `the failure concerns ${reason.scope}, not ${scope}`)
    yield* check(recorder.log.length === 0, `the client was told something: ${recorder.log.join(", ")}`)
    const secret = Redacted.value(subject.lease.token)
    yield* check(!JSON.stringify(reason).includes(secret), "the failure repeats the credential's secret")
    yield* more(reason)
  })

const breaksAs = (behaviour: Behaviour, kind: FailureKind, timeouts: Partial<typeof patient>): ConformanceCase["run"] =>
  Effect.fnUntraced(function* (subject) {
    yield* subject.behave(behaviour)
    const recorder = makeRecorder()
    const reason = yield* refused(subject, recorder, timeouts)
    yield* check(reason.kind === kind, `the failure is ${reason.kind}, not ${kind}`)
    yield* check(recorder.shown > 0, "the content that came before was not shown")
    yield* check(recorder.soFar !== null, "what was used by then is not told")
  })

/** Waits until a condition holds, for at most five seconds. */
const eventually = (holds: Effect.Effect<boolean>, message: string): Effect.Effect<void, ConformanceError> =>
  Effect.repeat(holds, { until: (is) => is, schedule: Schedule.spaced("20 millis") }).pipe(
    Effect.timeout("5 seconds"),
    Effect.mapError(() => new ConformanceError({ message })),
    Effect.asVoid
  )

/** What every provider keeps to. */
export const conformanceCases: ReadonlyArray<ConformanceCase> = [
  {
    name: "answers with a beginning, content and a settlement, in that order",
    run: Effect.fnUntraced(function* (subject) {
      yield* subject.behave("answers")
      const recorder = makeRecorder()
      const settlement = yield* answered(subject, recorder)
      const [first, second, third] = recorder.log
      yield* check(first === "open" && second === "begun", `it begins with ${first} and ${second}`)
      yield* check(third === "content", `no content came: ${recorder.log.join(", ")}`)
      yield* check(settlement.stopReason !== "", "it does not say why it stopped")
      yield* check(settlement.calls.length > 0, "it tells of no upstream call")
      const { problem } = recorder
      yield* check(problem === null, problem ?? "")
    })
  },
  {
    name: "tells what the upstream counted",
    run: Effect.fnUntraced(function* (subject) {
      yield* subject.behave("answers")
      const { calls, isRead } = yield* answered(subject, makeRecorder())
      const [call] = calls
      yield* check(isRead, "it says that no model has read the request")
      yield* check(call !== undefined && Object.values(call.usage).some((value) => value > 0), "no figure is above 0")
    })
  },
  {
    name: "holds the upstream back while the client has no room, and loses nothing",
    run: Effect.fnUntraced(function* (subject) {
      yield* subject.behave("flows")
      const full = yield* Deferred.make<() => void>()
      const recorder = makeRecorder({ full })
      const running = yield* Effect.forkScoped(answered(subject, recorder))
      const resume = yield* Deferred.await(full).pipe(
        Effect.timeout("5 seconds"),
        Effect.mapError(() => new ConformanceError({ message: "no content came" }))
      )
      const shown = recorder.shown
      yield* Effect.sleep("200 millis")
      yield* check(recorder.shown === shown, "content came while the client had no room")
      recorder.makeRoom()
      resume()
      yield* Fiber.join(running)
      yield* check(recorder.bytes >= 8 * 1024 * 1024, `only ${recorder.bytes} bytes of 8 MiB came`)
    })
  },
  {
    name: "closes the upstream's socket where the request is interrupted",
    run: Effect.fnUntraced(function* (subject) {
      yield* subject.behave("stalls")
      const recorder = makeRecorder()
      const running = yield* Effect.forkScoped(send(subject, recorder))
      const open = Effect.map(subject.openStreams, (count) => count === 1 && recorder.shown > 0)
      yield* eventually(open, "the answer did not begin")
      yield* Fiber.interrupt(running)
      yield* eventually(
        Effect.map(subject.openStreams, (count) => count === 0),
        "the upstream still answers"
      )
    })
  },
  { name: "says that an answer broke off", run: breaksAs("cut", "stream_broken", {}) },
  { name: "takes no answer for whole that lacks its end", run: breaksAs("ends", "stream_broken", {}) },
  {
    name: "gives up an upstream that falls silent",
    run: breaksAs("stalls", "timeout", { idleTimeoutMs: 300 })
  },
  {
    name: "gives up an upstream that sends no header, in time",
    run: Effect.fnUntraced(function* (subject) {
      yield* subject.behave("hangs")
      const recorder = makeRecorder()
      const reason = yield* refused(subject, recorder, { headerTimeoutMs: 300 }).pipe(
        Effect.timeout("5 seconds"),
        Effect.catchTag("TimeoutError", () => Effect.fail(new ConformanceError({ message: "it still waits" })))
      )
      yield* check(reason.kind === "timeout", `the failure is ${reason.kind}, not timeout`)
      yield* check(reason.scope === "upstream", `it concerns ${reason.scope}, not upstream`)
      yield* check(recorder.log.length === 0, "the client was told something")
    })
  },
  {
    name: "says that an upstream cannot be reached",
    run: Effect.fnUntraced(function* (subject) {
      const reason = yield* refused({ ...subject, provider: subject.unreachable }, makeRecorder())
      yield* check(reason.kind === "network", `the failure is ${reason.kind}, not network`)
    })
  },
  {
    name: "tells a limit of the account, and how long it lasts",
    run: failsAs("limited", ["rate_limit"], "credential", ({ retryAfterMs }) =>
      check(retryAfterMs === 7_000, `retry-after is ${retryAfterMs}, not 7000`)
    )
  },
  {
    name: "tells a model without capacity, which is not the account's fault",
    run: failsAs("overloaded", ["model_capacity"], "model")
  },
  { name: "tells the upstream's own failure", run: failsAs("fails", ["upstream_error"], "upstream") },
  {
    name: "tells a credential that is not accepted, without its secret",
    run: failsAs("forbids", ["auth", "token_rejected", "key_rejected"], "credential")
  },
  {
    name: "tells a request that is not accepted, which is nobody's fault here",
    run: failsAs("refuses", ["invalid_request"], "none")
  },
  { name: "tells a model that the upstream does not know", run: failsAs("knows_no_model", ["invalid_model"], "model") },
  {
    name: "lists the models of an account",
    run: Effect.fnUntraced(function* ({ lease, provider }) {
      const listed = yield* Effect.mapError(
        provider.listModels(lease),
        ({ message }) => new ConformanceError({ message: `the models cannot be listed: ${message}` })
      )
      yield* check(listed.length > 0, "no model is listed")
      yield* check(new Set(listed.map(({ id }) => id)).size === listed.length, "a model is listed twice")
    })
  }
]
