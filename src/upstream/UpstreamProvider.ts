/**
 * UpstreamProvider: one kind of upstream, as the rest of Weir sees it.
 *
 * The hot path is push: `send` hands each chunk's events to a sink in the same turn of the event loop and holds the
 * upstream back while the sink is full. Everything around it stays Effect.
 */
import { Context, type Effect } from "effect"
import type { OAuthCredential, RefreshedTokens } from "../message/Credential.ts"
import type { Egress } from "../message/Egress.ts"
import type { ConversationId } from "../message/Ids.ts"
import type { Lease } from "../message/Lease.ts"
import type { ContentEvent } from "../message/MessageEvent.ts"
import type { MessagesRequest } from "../message/MessagesRequest.ts"
import type { Original } from "../message/Original.ts"
import type { RateLimits } from "../message/RateLimits.ts"
import type { Made } from "../message/Pin.ts"
import type { Usage, Used } from "../message/Usage.ts"
import type { RefreshFailure } from "./RefreshFailure.ts"
import type { UpstreamFailure } from "./UpstreamFailure.ts"

/** One upstream call: the client's request after policy, and what was decided about it. */
export interface UpstreamCall {
  readonly request: MessagesRequest
  /** The same as the client wrote it; null where it wrote none. */
  readonly original: Original | null
  /** Members of the original that policy has changed, by name. */
  readonly changes: Readonly<Record<string, unknown>>
  /** The upstream's own name of the model. */
  readonly model: string
  /** The conversation the client named, if it named one. */
  readonly conversation: ConversationId | null
  /** The most cache points that may be asked for; 0: none. */
  readonly cachePoints: number
  /** Longest wait for the upstream's header. Milliseconds. */
  readonly headerTimeoutMs: number
  /** Longest silence between two chunks of the answer. Milliseconds. */
  readonly idleTimeoutMs: number
}

/** What an upstream says of a call in its header. */
export interface Told {
  /** Its own name of the call. */
  readonly requestId: string | null
  /** The account's limits; empty where it tells of none. */
  readonly limits: RateLimits
}

/**
 * Where an answer's events go. Called synchronously from the socket's data handler; must not throw.
 */
export interface ContentSink {
  /**
   * The upstream accepted the call. `resume` lets it go on after `write` or `pass` returned false.
   *
   * @param told what the upstream says of the call before it answers
   */
  readonly open: (resume: () => void, told?: Told) => void
  /**
   * The first event of an upstream call's answer has come, whatever it says; perhaps nothing that is shown. `soFar` tells
   * at any time what the whole answer has used by then.
   */
  readonly begun: (soFar: () => Used) => void
  /** All events of one upstream chunk, never empty. False: send no more until `resume` is called. */
  readonly write: (events: ReadonlyArray<ContentEvent>) => boolean
  /**
   * Instead of events: server-sent events that go to the client as they are, the answer's own beginning with them; its
   * end comes with the {@link Settlement}. Never empty. False as for `write`.
   */
  readonly pass: (bytes: Uint8Array) => boolean
  /** The answer is whole, though the upstream has not ended it. `end` takes it as it is; to be called where it does not. */
  readonly over?: (end: () => void) => void
}

/** An event among the bytes that were passed. */
export interface Opening {
  readonly from: number
  readonly to: number
  /** The same event with final usage. */
  readonly with: (usage: Usage) => Uint8Array
}

/** The parts of an answer in the upstream's own words that have to know what the client is told of the usage. */
export interface Verbatim {
  /** Of what was passed the event that tells of usage first, for clients that read it only there; null: none did. */
  readonly opening: Opening | null
  /** All that was not passed: a stream's last events, or the JSON of an answer that is given whole. */
  readonly ending: (usage: Usage) => Uint8Array
}

/** How a complete answer ended, and what it used. */
export interface Settlement extends Used {
  /** One of Anthropic's stop reasons. */
  readonly stopReason: string
  readonly stopSequence: string | null
  /** The answer in the upstream's own words; null where it was made of events. */
  readonly verbatim: Verbatim | null
  /** The model that says it answered, where the upstream tells. */
  readonly answeredBy: string | null
  /** What lives at the account from now on; nothing where the upstream keeps nothing. */
  readonly made: ReadonlyArray<Made>
}

/** A client's call that goes on as it is, beside the messages: to where files, batches or counts are. */
export interface ForwardCall {
  readonly method: "GET" | "POST" | "DELETE"
  /** From `/v1` on, without a query. */
  readonly path: string
  /** With its question mark; empty where there is none. */
  readonly query: string
  /** The client's, names in lower case. Those about who it is stay here. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  /** Longest wait for the upstream's header. Milliseconds. */
  readonly headerTimeoutMs: number
  /** Longest silence between two chunks of the answer. Milliseconds. */
  readonly idleTimeoutMs: number
}

/** What a client is told before the body; of the headers those that are about the body. */
export interface ForwardHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** Where the answer to such a call goes. Called synchronously from the socket's data handler; must not throw. */
export interface ForwardSink {
  /** The upstream answers, and not with an error. `resume` lets it go on after `data` returned false. */
  readonly head: (head: ForwardHead, resume: () => void) => void
  /** Never empty. False: send no more until `resume` is called. */
  readonly data: (bytes: Uint8Array) => boolean
}

/** One model as the upstream lists it. */
export interface UpstreamModel {
  readonly id: string
  readonly name: string
  readonly maxInputTokens: number | null
  readonly maxOutputTokens: number | null
  readonly promptCaching: { readonly minimumTokens: number; readonly maximumPoints: number } | null
  /** How the upstream itself describes it to clients, where it speaks their language; its `id` is then what they ask for. */
  readonly info: (Readonly<Record<string, unknown>> & { readonly id: string }) | null
}

/** What is left of an account's plan, in the upstream's own unit. */
export interface Balance {
  readonly subscription: string | null
  readonly email: string | null
  readonly used: number
  readonly limit: number
  readonly remaining: number
  /** Milliseconds since the epoch, or null. */
  readonly resetsAt: number | null
}

export class UpstreamProvider extends Context.Service<
  UpstreamProvider,
  {
    /** One attempt of one call with one lease. Ends when the answer has ended; interrupting it closes the upstream's socket. */
    readonly send: (call: UpstreamCall, lease: Lease, sink: ContentSink) => Effect.Effect<Settlement, UpstreamFailure>
    /**
     * One call as the client wrote it, under the lease's name. Fails before `sink.head` where the upstream answers with
     * an error, or takes no such calls; interrupting it closes the upstream's socket.
     */
    readonly forward: (call: ForwardCall, lease: Lease, sink: ForwardSink) => Effect.Effect<void, UpstreamFailure>
    /** Whether the header of a call's answer comes only with its end, so that its time says nothing of the upstream's health. */
    readonly answersWhole: (call: Pick<UpstreamCall, "request">, lease: Lease) => boolean
    /** The models this credential may use. */
    readonly listModels: (lease: Lease) => Effect.Effect<ReadonlyArray<UpstreamModel>, UpstreamFailure>
    /** New tokens for a signed-in credential, fetched the given way. */
    readonly refresh: (credential: OAuthCredential, egress: Egress) => Effect.Effect<RefreshedTokens, RefreshFailure>
    /** The profile ARN of a signed-in credential that has none, or null where the account has no profile. */
    readonly discoverProfile: (lease: Lease) => Effect.Effect<string | null, UpstreamFailure>
    /** What is left of the credential's plan. */
    readonly balance: (lease: Lease) => Effect.Effect<Balance, UpstreamFailure>
  }
>()("weir/upstream/UpstreamProvider") {}
