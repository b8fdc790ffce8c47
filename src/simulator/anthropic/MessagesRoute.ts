/**
 * MessagesRoute: `POST /v1/messages` and `POST /v1/messages/count_tokens`.
 */
import { Effect, Result } from "effect"
import type { Caller } from "./Accounts.ts"
import { type Composed, compose } from "./Answering.ts"
import type { AnthropicState } from "./AnthropicState.ts"
import { errorBody, tooLarge } from "./ApiError.ts"
import { answerJson, type Call, headersOf, namesOf, playFailure, readJson, refuse } from "./Call.ts"
import { deliver } from "./Delivery.ts"
import { lineOf, minimumOf } from "./ModelList.ts"
import { totalTokens } from "./PromptBlocks.ts"
import type { CacheLookup } from "./PromptCache.ts"
import { readPrompt } from "./Prompt.ts"
import type { Chosen } from "./RuleBook.ts"
import type { Rule } from "./Script.ts"
import type { JsonObject } from "./Shape.ts"
import { encodeEvent, eventsOf, type StreamEvent } from "./StreamEvents.ts"
import { type Judge, type Valid, validate } from "./Validation.ts"

/** Longest body of a messages request. */
const MAX_BODY_BYTES = 32 * 1024 * 1024

/** Answers a messages request. */
export const createMessage = (call: Call, caller: Caller): Effect.Effect<void> =>
  Effect.acquireUseRelease(
    Effect.sync(() => call.state.observation.enter(caller.token)),
    () => {
      const valid = read(call, caller, "messages")
      return Result.isSuccess(valid) ? respond(call, caller, valid.success) : refuse(call, caller, valid.failure)
    },
    (leave) => Effect.sync(leave)
  )

/** Says how many tokens a request has. */
export const countMessageTokens = Effect.fnUntraced(function* (call: Call, caller: Caller) {
  const valid = read(call, caller, "count_tokens")
  if (Result.isFailure(valid)) return yield* refuse(call, caller, valid.failure)
  const { blocks, body } = valid.success
  const chosen = call.state.rules.choose({ ...situationOf(caller, valid.success), operation: "count_tokens" })
  if (yield* playFailure(call, caller, chosen)) return
  const input_tokens = totalTokens(blocks)
  const managed =
    body["context_management"] === undefined ? {} : { context_management: { original_input_tokens: input_tokens } }
  yield* answerJson(call, caller, { input_tokens, ...managed }, chosen.rule)
})

/** What a caller's requests are judged by. */
export const judgeOf = (state: AnthropicState, caller: Caller, betas: ReadonlyArray<string>): Judge => ({
  models: state.modelsOf(caller.account),
  betas,
  resolve: (body) => state.threads.resolve(caller.name, body),
  proves: (line, proof, text) => state.signatures.proves({ account: caller.name, line }, proof, text),
  hasFile: (id) => state.files.find(caller.name, id) !== undefined
})

/** The answer to a valid request, by its rule. */
export const answerTo = (
  state: AnthropicState,
  caller: Caller,
  valid: Valid,
  rule: Rule,
  now: number
): Composed & { readonly found: CacheLookup } => {
  const { model } = valid
  const found = state.cache.lookup(`${caller.name}\0${model.id}`, valid.blocks, minimumOf(model), now)
  const composed = compose(valid, {
    rule,
    prompt: readPrompt(valid.body),
    tokens: found.tokens,
    thinker: { account: caller.name, line: lineOf(model) },
    signatures: state.signatures
  })
  return { ...composed, found }
}

/** What rules are asked about a request. */
export const situationOf = (caller: Caller, { body, model }: Valid) => ({
  operation: "messages" as const,
  callers: namesOf(caller),
  models: [body.model, model.id],
  stream: body.stream === true,
  text: readPrompt(body).text
})

const read = (call: Call, caller: Caller, operation: "messages" | "count_tokens") => {
  if (call.bytes.length > MAX_BODY_BYTES) return Result.fail(tooLarge)
  const judge = judgeOf(call.state, caller, call.betas)
  return Result.flatMap(readJson(call), (value) => validate(operation, value, judge))
}

const respond = Effect.fnUntraced(function* (call: Call, caller: Caller, valid: Valid) {
  const chosen = call.state.rules.choose(situationOf(caller, valid))
  if (yield* playFailure(call, caller, chosen)) return
  yield* Effect.acquireUseRelease(
    Effect.sync(() => call.state.threads.enter(valid.body)),
    () => play(call, caller, valid, chosen),
    (leave) => Effect.sync(leave)
  )
})

const play = (call: Call, caller: Caller, valid: Valid, { rule }: Chosen): Effect.Effect<void> => {
  const { cache, limits, threads } = call.state
  const { found, ...composed } = answerTo(call.state, caller, valid, rule, call.now)
  const { message } = composed
  const events = {
    onBegin: () => cache.keep(found.keep, call.now),
    onEnd: () => {
      if (rule.error !== undefined) return
      call.sighting.usage = message.usage
      const { uncached, write1h, write5m } = found.tokens
      limits.count(caller.name, call.now, {
        requests: 0,
        input: uncached + write5m + write1h,
        output: outputOf(message.usage)
      })
      threads.store(caller.name, valid.body, message)
    }
  }
  if (valid.body.stream !== true) return answerJson(call, caller, rule.json ?? message, rule, 200, events)
  const usual = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" }
  const headers = headersOf(call, caller, usual, rule.headers)
  return deliver(call, { status: 200, headers, frames: framesOf(call, composed, rule), ...events }, rule)
}

const framesOf = (call: Call, composed: Composed, rule: Rule): ReadonlyArray<string> => {
  if (rule.sse !== undefined) return [rule.sse]
  const events = eventsOf(composed.message, { ...composed, ...rule })
  return withError(events, call, rule.error).map(encodeEvent)
}

/** The error comes instead of what would follow. */
const withError = (events: ReadonlyArray<StreamEvent>, call: Call, error: Rule["error"]): ReadonlyArray<StreamEvent> =>
  error === undefined
    ? events
    : [...events.slice(0, error.events ?? events.length), errorBody(error, call.sighting.requestId)]

const outputOf = ({ output_tokens: output }: JsonObject): number => (typeof output === "number" ? output : 0)
