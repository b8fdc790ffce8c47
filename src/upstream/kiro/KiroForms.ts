/**
 * KiroForms: the forms in which one request can be put to Kiro, and which one to try after a refusal.
 *
 * The plain form sends documents, signed thinking and cache points natively in the client's own conversation. A model that
 * refuses documents gets their text from then on, and one that refuses cache points none for an hour; a refused signature
 * goes as text, and a refused conversation id is replaced by a fresh one, once each for a request.
 */
import { Clock, Effect, Result } from "effect"
import type { FailureKind } from "../../message/FailureReason.ts"
import type { MessagesRequest } from "../../message/MessagesRequest.ts"
import { sha256Hex } from "../../message/Sha256.ts"
import { randomUuid } from "../../message/Uuid.ts"
import type { Sender } from "../Dispatch.ts"
import type { DocumentText } from "../DocumentText.ts"
import { failure, type UpstreamFailure } from "../UpstreamFailure.ts"
import type { UpstreamCall } from "../UpstreamProvider.ts"
import { documentsOf, withDocumentTexts } from "./KiroDocuments.ts"
import type { KiroEnding } from "./KiroEvent.ts"
import type { KiroOptions } from "./KiroHttp.ts"
import { convertRequest, type KiroRequest } from "./KiroRequest.ts"

/** What answering needs of its surroundings. */
export interface KiroServices {
  readonly dispatch: Sender
  readonly documents: DocumentText["Service"]
  readonly options: KiroOptions
}

interface Form {
  readonly documents: "native" | "text"
  readonly reasoning: "native" | "text"
  /** The most cache points. */
  readonly cachePoints: number
}

/** How long a model that has refused cache points gets none: it may take them later, or for another account. */
const lessonMs = 60 * 60_000
/** Codes of refusals that have another cause. */
const namesAnother = /^(?:IMAGE|DOCUMENT|TOOL)_|_JSON$/

/** Models known to refuse documents; past this many the oldest is forgotten. */
const rememberedModels = 256

/** One answer so far, as the forms need it. */
export interface Course {
  /** The request that goes on from an earlier call, in place of the client's; null for the first. */
  readonly next: KiroRequest | null
  /** The conversation's id upstream. */
  readonly conversationId: string
}

/** What was sent in the end, and what came of it. */
export interface Sent {
  readonly ending: KiroEnding
  readonly request: KiroRequest
  /** The id that was accepted. */
  readonly conversationId: string
}

export interface Send {
  readonly call: (request: KiroRequest, conversationId: string) => Effect.Effect<KiroEnding, UpstreamFailure>
  /** Whether nothing of an answer has come yet; otherwise it would be said twice. */
  readonly mayRepeat: () => boolean
}

export class Forms {
  readonly #documents: DocumentText["Service"]
  readonly #withoutDocuments = new Set<string>()
  /** Models that have refused cache points, and until when they get none. Milliseconds since the epoch. */
  readonly #withoutCachePoints = new Map<string, number>()
  /** Converted once, in each form, for all attempts of a request. */
  readonly #converted = new WeakMap<MessagesRequest, Map<string, KiroRequest>>()

  constructor(documents: DocumentText["Service"]) {
    this.#documents = documents
  }

  /** Sends the request in its plain form and, where that is refused, in the form that the refusal calls for. */
  readonly send = Effect.fnUntraced(
    { self: this },
    function* (
      this: Forms,
      call: UpstreamCall,
      { conversationId: known, next }: Course,
      send: Send
    ): Effect.fn.Return<Sent, UpstreamFailure> {
      const now = yield* Clock.currentTimeMillis
      let form: Form = {
        documents: this.#withoutDocuments.has(call.model) ? "text" : "native",
        reasoning: "native",
        cachePoints: (this.#withoutCachePoints.get(call.model) ?? 0) > now ? 0 : call.cachePoints
      }
      let conversationId = known
      const refused = new Set<FailureKind>()
      for (;;) {
        const request = next ?? (yield* this.#convert(call, form))
        const sent = yield* Effect.result(send.call(request, conversationId))
        if (Result.isSuccess(sent)) {
          if (refused.has("invalid_request")) this.#learn(call.model, now)
          return { ending: sent.success, request, conversationId }
        }
        const { code, kind } = sent.failure.reason
        if (refused.has(kind) || !send.mayRepeat()) return yield* sent.failure
        refused.add(kind)
        if (kind === "invalid_conversation") conversationId = yield* randomUuid
        else if (kind === "invalid_signature" && next === null)
          form = { documents: form.documents, reasoning: "text", cachePoints: form.cachePoints }
        else if (kind === "document_refused" && next === null && form.documents === "native") {
          form = { documents: "text", reasoning: form.reasoning, cachePoints: form.cachePoints }
          this.#remember(call.model)
        } else if (
          kind === "invalid_request" &&
          request.hasCachePoints &&
          !namesAnother.test(code ?? "") &&
          next === null
        ) {
          // Perhaps for the cache points: nothing else is named.
          form = { documents: form.documents, reasoning: form.reasoning, cachePoints: 0 }
        } else return yield* sent.failure
      }
    }
  )

  #convert(call: UpstreamCall, form: Form): Effect.Effect<KiroRequest, UpstreamFailure> {
    const key = `${form.documents} ${form.reasoning} ${form.cachePoints} ${call.model}`
    const forms = this.#converted.get(call.request) ?? new Map<string, KiroRequest>()
    this.#converted.set(call.request, forms)
    const known = forms.get(key)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.flatMap(
      form.documents === "text" ? this.#asText(call.request) : Effect.succeed(call.request),
      (request) => {
        const converted = convertRequest(request, {
          ...form,
          model: call.model,
          webSearch: true,
          thinkingTags: true,
          sha256Hex
        })
        if (Result.isFailure(converted)) return Effect.fail(refusal(converted.failure.path, converted.failure.message))
        forms.set(key, converted.success)
        return Effect.succeed(converted.success)
      }
    )
  }

  #asText(request: MessagesRequest): Effect.Effect<MessagesRequest, UpstreamFailure> {
    return Effect.map(
      Effect.forEach(documentsOf(request), (document) =>
        Effect.mapError(this.#documents.extract(document), (refused) => refusal(document.path, refused.problem))
      ),
      (texts) => withDocumentTexts(request, texts)
    )
  }

  /** The request has passed without cache points, and not with them. */
  #learn(model: string, now: number): void {
    this.#withoutCachePoints.delete(model)
    this.#withoutCachePoints.set(model, now + lessonMs)
    const oldest = this.#withoutCachePoints.keys().next()
    if (this.#withoutCachePoints.size > rememberedModels && oldest.done !== true)
      this.#withoutCachePoints.delete(oldest.value)
  }

  #remember(model: string): void {
    this.#withoutDocuments.add(model)
    const oldest = this.#withoutDocuments.values().next()
    if (this.#withoutDocuments.size > rememberedModels && oldest.done !== true)
      this.#withoutDocuments.delete(oldest.value)
  }
}

/** The client's own fault, found before anything was sent. */
const refusal = (path: string, problem: string): UpstreamFailure =>
  failure("invalid_request", "none", path === "" ? problem : `${path}: ${problem}`)
