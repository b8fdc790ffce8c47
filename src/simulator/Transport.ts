/**
 * Transport: the steps that any operation may play, because they are about HTTP and the socket and not about events.
 */
import { Effect } from "effect"
import { errorBody } from "./AwsError.ts"
import { failureOf, type HttpFailure } from "./FailurePreset.ts"
import type { Step } from "./Script.ts"
import type { Wire } from "./Wire.ts"

const JSON_HEADERS = { "content-type": "application/json" }

/** Plays a step on a wire whose headers have not gone out; false: it is none of these. */
export const playTransport = (step: Step, wire: Wire): Effect.Effect<boolean> => {
  if ("headersDelay" in step) return Effect.as(Effect.sleep(step.headersDelay), true)
  if ("split" in step) return Effect.as(wire.setSplit(step.split), true)
  if ("batch" in step) return Effect.as(wire.setBatch(step.batch), true)
  if ("stall" in step) return Effect.andThen(wire.flush(), Effect.never)
  if ("http" in step) return Effect.as(answerFailure(step.http, wire), true)
  if ("masked" in step) return Effect.as(answerMasked(step.masked, wire), true)
  if ("json" in step) return Effect.as(wire.answer(200, JSON_HEADERS, JSON.stringify(step.json) ?? "null"), true)
  if ("cut" in step && step.cut === true) return Effect.as(wire.cut(), true)
  if ("fail" in step) return playTransport(failing(step), wire)
  return Effect.succeed(false)
}

/** The step that a `fail` step stands for. */
export const failing = (step: Extract<Step, { readonly fail: unknown }>): Step => {
  const failure = failureOf(step.fail)
  return "http" in failure && step.retryAfter !== undefined
    ? { http: { ...failure.http, retryAfter: step.retryAfter } }
    : failure
}

/** A plain HTTP answer as a script describes it. */
const answerFailure = (failure: HttpFailure, wire: Wire): Effect.Effect<void> => {
  const isText = typeof failure.body === "string"
  const headers: Record<string, string> = isText ? { "content-type": "text/html" } : { ...JSON_HEADERS }
  if (failure.type !== undefined) headers["x-amzn-errortype"] = failure.type
  if (failure.retryAfter !== undefined) headers["retry-after"] = String(failure.retryAfter)
  const body = failure.body ?? errorBody({ message: failure.message ?? "", ...reasonOf(failure.reason) })
  return wire.answer(failure.status, { ...headers, ...failure.headers }, isText ? String(body) : JSON.stringify(body))
}

const answerMasked = (masked: { readonly type: string; readonly message: string }, wire: Wire): Effect.Effect<void> =>
  wire.answer(200, JSON_HEADERS, JSON.stringify({ __type: masked.type, message: masked.message }))

const reasonOf = (reason: string | undefined) => (reason === undefined ? {} : { reason })
