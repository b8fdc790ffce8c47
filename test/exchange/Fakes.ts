/**
 * Fakes: a pool of credentials that chooses by the real rules, and an upstream that does what a test tells it.
 */
import { Clock, Effect, Layer, Redacted } from "effect"
import { CredentialPool } from "../../src/credential/CredentialPool.ts"
import { direct } from "../../src/message/Egress.ts"
import { CredentialPoolError } from "../../src/credential/CredentialPoolError.ts"
import { untouched } from "../../src/credential/CredentialStore.ts"
import { makeEntry } from "../../src/credential/PoolEntry.ts"
import { choose } from "../../src/credential/Selection.ts"
import { PoolIndex } from "../../src/credential/PoolIndex.ts"
import type { Need } from "../../src/credential/Eligibility.ts"
import type { FailureKind, FailureReason, FailureScope } from "../../src/message/FailureReason.ts"
import { credentialBase } from "../support/Credentials.ts"
import type { ContentEvent } from "../../src/message/MessageEvent.ts"
import type { MessagesRequest } from "../../src/message/MessagesRequest.ts"
import { RefreshFailure } from "../../src/upstream/RefreshFailure.ts"
import { failure, UpstreamFailure } from "../../src/upstream/UpstreamFailure.ts"
import { type Settlement, type UpstreamModel, UpstreamProvider } from "../../src/upstream/UpstreamProvider.ts"

export const request: MessagesRequest = {
  model: "claude-sonnet-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Hello" }]
}

export const settlement: Settlement = {
  stopReason: "end_turn",
  stopSequence: null,
  calls: [{ usage: { uncachedInputTokens: 10, outputTokens: 5 }, outputEstimate: 4, inputAdded: 0 }],
  webSearches: 0,
  isRead: true,
  answeredBy: null,
  verbatim: null,
  made: []
}

/** A text block as one upstream chunk. */
export const text = (text: string, index = 0): ReadonlyArray<ContentEvent> => [
  { type: "content_block_start", index, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index, delta: { type: "text_delta", text } },
  { type: "content_block_stop", index }
]

type Send = UpstreamProvider["Service"]["send"]

const scopes: Partial<Record<FailureKind, FailureScope>> = {
  network: "upstream",
  timeout: "upstream",
  upstream_error: "upstream",
  stream_broken: "upstream",
  model_capacity: "model",
  invalid_request: "none",
  suspicious_activity: "directory"
}

export const reasonOf = (kind: FailureKind): FailureReason => failure(kind, scopes[kind] ?? "credential", "test").reason

/** An upstream that fails like this before any event. */
export const fails =
  (kind: FailureKind, afterMs = 0): Send =>
  () =>
    Effect.andThen(Effect.sleep(afterMs), Effect.fail(new UpstreamFailure({ reason: reasonOf(kind) })))

/** An upstream that answers at once. */
export const answers =
  (events: ReadonlyArray<ContentEvent> = text("hi")): Send =>
  (_call, _lease, sink) =>
    Effect.sync(() => {
      sink.open(() => {})
      if (events.length > 0) sink.write(events)
      return settlement
    })

export interface FakeOptions {
  /** Ids of the pool's credentials, the preferred first. */
  readonly credentials?: ReadonlyArray<string>
  /** One upstream call after the other; the last stands for all that follow. */
  readonly script: ReadonlyArray<Send>
  /** Whether a rejected token can be replaced. */
  readonly replaces?: boolean | "unavailable"
  /** Milliseconds. */
  readonly leaseTakes?: number
  readonly refreshTakes?: number
  /** Credentials without a usable token. */
  readonly noToken?: ReadonlyArray<string>
  readonly transient?: boolean
  /** What is answered to those who ask for models, and what is known without asking. */
  readonly models?: Effect.Effect<ReadonlyArray<UpstreamModel>>
  readonly known?: ReadonlyArray<UpstreamModel>
}

export interface Fakes {
  /** Each upstream call: which credential, when, and how long it could wait for a header. */
  readonly calls: Array<readonly [id: string, at: number, headerTimeoutMs: number]>
  readonly reports: Array<string>
  readonly refreshes: Array<string>
  readonly live: () => number
  /** Whose answers have begun. */
  readonly accepted: ReadonlyArray<string>
  readonly layer: Layer.Layer<CredentialPool | UpstreamProvider>
}

const refreshFailure = (kind: RefreshFailure["kind"]) => new RefreshFailure({ kind, status: null, detail: "test" })

const unused = () => Effect.die("an exchange does not operate the pool")

export const makeFakes = (options: FakeOptions): Fakes => {
  const { credentials = ["a"], replaces = true, script } = options
  const cooling = new Set<string>()
  const index = new PoolIndex("priority")
  const entries = new Map(
    credentials.map((id) => {
      const token = Redacted.make(`token-${id}`)
      const entry = makeEntry({ ...credentialBase(id), kind: "api_key", apiKey: token }, untouched, 0, false)
      index.update(entry, 0)
      return [id, entry]
    })
  )
  const calls: Fakes["calls"] = []
  const reports: Array<string> = []
  const refreshes: Array<string> = []
  const accepted: Array<string> = []
  let live = 0

  const rests = (id: string) => {
    cooling.add(id)
    const entry = entries.get(id)
    if (entry !== undefined) index.remove(entry)
  }
  const unavailable = new CredentialPoolError({ reason: { _tag: "Cooling", limited: false, retryAfterMs: 1_000 } })
  const chosen = (need: Need) =>
    choose(index, need, { bound: null, lacks: () => false, gatewayFull: false, overflow: false })
  const lease = (need: Need) =>
    Effect.gen(function* () {
      yield* Effect.sleep(options.leaseTakes ?? 0)
      const choice = chosen(need)
      if (choice.kind !== "chosen") return yield* unavailable
      const { id } = choice.entry.credential
      if (options.noToken?.includes(id) === true) {
        const reason = {
          _tag: "NoToken",
          credentialId: id,
          upstream: "kiro",
          why: choice.why,
          transient: options.transient ?? false
        } as const
        return yield* new CredentialPoolError({ reason })
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => live++),
        () => Effect.sync(() => live--)
      )
      return {
        credential: choice.entry.credential,
        token: Redacted.make(`token-${id}`),
        egress: direct,
        why: choice.why
      }
    })

  const pool = Layer.mock(CredentialPool)({
    lease,
    accepted: ({ credential: { id } }) => accepted.push(id),
    told: () => {},
    upstreams: () => index.upstreams,
    models: Effect.suspend(() => options.models ?? Effect.succeed([])),
    knownModels: () => options.known ?? [],
    knownModel: (id) => options.known?.find((model) => model.id === id),
    canServe: (need) => Effect.sync(() => chosen(need).kind === "chosen"),
    report: ({ credential: { id } }, outcome) =>
      Effect.sync(() => {
        if (outcome.kind === "success") {
          reports.push(`${id} success`)
          return
        }
        reports.push(`${id} ${outcome.reason.kind}${outcome.mayRetrySame ? " may retry" : ""}`)
        const { need, reason } = outcome
        if (reason.scope === "none" || reason.scope === "model") return
        const others = credentials.some(
          (other) => other !== id && !cooling.has(other) && ![...need.exclude].some((tried) => tried === other)
        )
        if (!outcome.mayRetrySame || others) rests(id)
      }),
    replaceToken: (lease) =>
      Effect.andThen(
        Effect.andThen(
          Effect.sleep(options.refreshTakes ?? 0),
          Effect.sync(() => refreshes.push(lease.credential.id))
        ),
        replaces === true ? Effect.succeed(lease) : Effect.fail(refreshFailure(replaces ? "unavailable" : "refused"))
      ),
    withoutToken: (id, { mayRetrySame }) =>
      Effect.sync(() => {
        reports.push(`${id} no token${mayRetrySame ? " may retry" : ""}`)
        if (!mayRetrySame) rests(id)
      }),
    operations: {
      find: unused,
      verify: unused,
      add: unused,
      remove: unused,
      setDisabled: unused,
      setPriority: unused,
      setGroup: unused,
      leaveGroup: unused,
      reset: unused,
      balance: unused,
      refresh: unused
    }
  })
  const provider = Layer.mock(UpstreamProvider)({
    answersWhole: () => false,
    send: (call, lease, sink) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const step = script[Math.min(calls.length, script.length - 1)]
        calls.push([lease.credential.id, now, call.headerTimeoutMs])
        return step === undefined ? Effect.die("no script") : step(call, lease, sink)
      })
  })
  return { calls, reports, refreshes, live: () => live, accepted, layer: Layer.merge(pool, provider) }
}
