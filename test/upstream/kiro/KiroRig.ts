/**
 * KiroRig: the Kiro upstream alone, on real sockets, in front of a simulated Kiro.
 */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Result, Schedule, type Scope } from "effect"
import type { ApiKeyCredential, Credential, SocialCredential } from "../../../src/message/Credential.ts"
import type { FailureReason } from "../../../src/message/FailureReason.ts"
import { chosen, credentialBase } from "../../support/Credentials.ts"
import type { Lease } from "../../../src/message/Lease.ts"
import type { ContentEvent } from "../../../src/message/MessageEvent.ts"
import type { Simulator } from "../../../src/simulator/KiroSimulator.ts"
import type { Rule, Script, Step } from "../../../src/simulator/Script.ts"
import { Dispatch } from "../../../src/upstream/Dispatch.ts"
import { DocumentText } from "../../../src/upstream/DocumentText.ts"
import type { KiroOptions } from "../../../src/upstream/kiro/KiroHttp.ts"
import * as KiroProvider from "../../../src/upstream/kiro/KiroProvider.ts"
import type { ContentSink, Settlement, UpstreamCall, UpstreamProvider } from "../../../src/upstream/UpstreamProvider.ts"
import { makeSimulator } from "../../support/JudgedSimulator.ts"
import { problemsOf } from "../../codec/BlockChecker.ts"
import { requestOf } from "../../support/KiroConversion.ts"

/** The token of the rig's credential: long enough to look like one, and to be found wherever it leaks. */
export const token = "ksk_token-of-the-test-rig-0123456789"

/** The access token of the rig's signed-in credentials; nothing but knowing it gives it away as a secret. */
export const accessToken = "token-of-no-known-form"

/** What every kind of credential has. */
export const common = credentialBase("c1")

/** An API key as a credential. */
export const apiKey = (more: Partial<ApiKeyCredential> = {}): ApiKeyCredential => ({
  ...common,
  kind: "api_key",
  apiKey: Redacted.make(token),
  ...more
})

/** A credential that signed in by Kiro's own service. */
export const social = (more: Partial<SocialCredential> = {}): SocialCredential => {
  return {
    ...common,
    kind: "social",
    authRegion: "us-east-1",
    accessToken: Redacted.make(accessToken),
    refreshToken: Redacted.make("refresh-token-of-the-test-rig-".padEnd(120, "0")),
    expiresAt: null,
    ...more
  }
}

/** A lease of a credential, with its token. */
export const leaseOf = (credential: Credential = apiKey()): Lease => ({
  credential,
  token: Redacted.make(credential.kind === "api_key" ? token : accessToken),
  egress: { kind: "direct" },
  why: chosen
})

export interface KiroRig {
  readonly simulator: Simulator
  readonly provider: UpstreamProvider["Service"]
}

/** Options that lead to the server at `url`. */
export const optionsFor = (url: string, more: Partial<KiroOptions> = {}): KiroOptions => ({
  endpoints: {
    region: "us-east-1",
    api: url,
    socialRefresh: `${url}/refreshToken`,
    idcRefresh: `${url}/token`
  },
  headers: {},
  allowedTokenHosts: [],
  version: "0.0.0-test",
  ...more
})

/** Starts both; they stop with the scope. */
export const makeRig = Effect.fnUntraced(function* (
  script: Script = {},
  more: Partial<KiroOptions> = {}
): Effect.fn.Return<KiroRig, never, Scope.Scope> {
  const simulator = yield* makeSimulator(script)
  const services = yield* Layer.build(Layer.fresh(Layer.merge(Dispatch.layer, DocumentText.layerRefusing)))
  const provider = yield* Effect.provideContext(
    KiroProvider.make(optionsFor(simulator.url, more)),
    Context.merge(services, Context.empty())
  )
  return { simulator, provider }
})

/** A rig whose simulator plays these steps for every message. */
export const playing = (steps: ReadonlyArray<Step>, rules: ReadonlyArray<Rule> = []) =>
  makeRig({ rules: [...rules, { steps }] })

/** A call with a request of one user message, and what it needs. */
export const callOf = (members: object = {}, more: Partial<UpstreamCall> = {}): UpstreamCall => ({
  request: requestOf({ messages: [{ role: "user", content: "hello there" }], ...members }),
  original: null,
  changes: {},
  model: "claude-sonnet-4.5",
  conversation: null,
  cachePoints: 0,
  headerTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  ...more
})

/** What a sink got. */
export interface Heard {
  readonly events: Array<ContentEvent>
  opened: number
  begun: number
}

/** A sink that takes everything. */
export const collect = (): { readonly heard: Heard; readonly sink: ContentSink } => {
  const heard: Heard = { events: [], opened: 0, begun: 0 }
  return {
    heard,
    sink: {
      open: () => {
        heard.opened++
      },
      begun: () => {
        heard.begun++
      },
      pass: () => true,
      write: (events) => {
        heard.events.push(...events)
        return true
      }
    }
  }
}

/** A complete answer. Its blocks are well-formed, or the test fails. */
export interface Answered {
  readonly settlement: Settlement
  readonly events: ReadonlyArray<ContentEvent>
}

/** Sends and takes the answer to its end; the test fails if it fails. */
export const answer = Effect.fnUntraced(function* (
  rig: KiroRig,
  call: UpstreamCall = callOf(),
  lease: Lease = leaseOf()
) {
  const { heard, sink } = collect()
  const settlement = yield* Effect.orDie(rig.provider.send(call, lease, sink))
  assert.deepStrictEqual(problemsOf(heard.events), [])
  assert.isAbove(heard.opened, 0)
  return { settlement, events: heard.events }
})

/** Sends; the test fails if that does not fail, or if the failure tells the token. */
export const refusal = Effect.fnUntraced(function* (
  rig: KiroRig,
  call: UpstreamCall = callOf(),
  lease: Lease = leaseOf()
) {
  const { heard, sink } = collect()
  const failed = yield* Effect.result(rig.provider.send(call, lease, sink))
  if (Result.isSuccess(failed)) throw new Error("the call succeeded")
  assert.notInclude(JSON.stringify(failed.failure) + String(failed.failure), Redacted.value(lease.token))
  const reason: FailureReason = failed.failure.reason
  return { reason, events: heard.events }
})

/** Events in short: `+text`, `text_delta:a`, `-`. */
export const short = (events: ReadonlyArray<ContentEvent>): ReadonlyArray<string> =>
  events.map((event) => {
    if (event.type === "content_block_start") return `+${event.content_block.type}`
    return event.type === "content_block_stop" ? "-" : Object.values(event.delta).join(":")
  })

/** The text of all deltas of a type. */
export const deltas = (events: ReadonlyArray<ContentEvent>, type: string): string =>
  events
    .flatMap((event) => (event.type === "content_block_delta" && event.delta.type === type ? [event.delta] : []))
    .map((delta) => Object.values(delta)[1])
    .join("")

/** The bodies of all `generate` calls so far. */
export const bodies = Effect.fnUntraced(function* ({ simulator }: KiroRig) {
  const requests = (yield* simulator.requests).filter(({ operation }) => operation === "generate")
  return requests.map(({ body }): unknown => JSON.parse(body))
})

/** Waits until the effect gives what is wanted; the test times out if it never does. */
export const until = <A>(effect: Effect.Effect<A>, wanted: (value: A) => boolean): Effect.Effect<A> =>
  Effect.repeat(effect, { until: wanted, schedule: Schedule.spaced("2 millis") })
