/**
 * GenerateRoute: `POST /generateAssistantResponse`.
 */
import { Effect, Result, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { randomUUID } from "node:crypto"
import { improper } from "./AwsError.ts"
import { authenticate, type Call, namesOf, refuse, serve } from "./Call.ts"
import type { KiroState } from "./KiroState.ts"
import { type ValidRequest, validateRequest } from "./KiroValidation.ts"
import { play } from "./Playback.ts"
import { readPrompt } from "./Prompt.ts"
import type { Caller } from "./SimulatedAccount.ts"

/** The route, for one simulator. */
export const generateRoute = (state: KiroState) =>
  HttpRouter.add("POST", "/generateAssistantResponse", serve(state, "generate", generate))

const generate = (call: Call): Effect.Effect<void> =>
  Effect.acquireUseRelease(
    Effect.sync(() => call.state.observation.enter(call.sighting.token ?? "")),
    () => judge(call),
    (leave) => Effect.sync(leave)
  )

const judge = Effect.fnUntraced(function* (call: Call) {
  const caller = yield* authenticate(call)
  if (caller === null) return
  if (!/^application\/json\b/i.test(call.headers["content-type"] ?? "")) {
    return yield* refuse(call, {
      status: 415,
      type: "UnsupportedMediaTypeException",
      message: "The content type is not supported.",
      detail: "content-type must be application/json"
    })
  }
  const body = parseJson(call.body)
  if (Result.isFailure(body)) return yield* refuse(call, improper("the body is not JSON", "REQUEST_BODY_INVALID_JSON"))
  const valid = validateRequest(body.success, {
    models: call.state.modelsOf(caller.account),
    tokenType: call.headers["tokentype"]?.toUpperCase(),
    profileArn: caller.account.profileArn,
    proves: (signature, text) => call.state.signatures.proves(signature, text)
  })
  if (Result.isFailure(valid)) return yield* refuse(call, valid.failure)
  yield* respond(call, caller, valid.success)
})

const respond = (call: Call, caller: Caller, valid: ValidRequest): Effect.Effect<void> => {
  const { accounts, cache, rules, signatures } = call.state
  const { account } = caller
  const { model } = valid
  const found = cache.lookup(account.name, model, valid.blocks, call.now)
  const spent = account.creditLimit !== undefined && accounts.creditsUsed(account) >= account.creditLimit
  const steps = spent
    ? [{ fail: "monthly_quota" as const }]
    : rules.choose({
        operation: "generate",
        credentials: namesOf(caller),
        model: model.modelId,
        prompt: readPrompt(valid)
      })
  return play(steps, call.wire, {
    conversationId: valid.request.conversationState.conversationId ?? randomUUID(),
    basis: { model, input: found.tokens },
    onBegin: () => cache.keep(found.keep, call.now),
    onSignature: (signature, text) => signatures.remember(signature, text),
    onCount: (usage, credits) => {
      call.sighting.usage = usage
      accounts.charge(account, credits)
    }
  })
}

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
