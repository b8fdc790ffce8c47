/**
 * BatchesRoute: `POST /v1/messages/batches`, `GET /v1/messages/batches`, and what can be done with one of them.
 *
 * **Source:** `resources/messages/batches` of `@anthropic-ai/sdk` 1.12.
 */
import { Effect, Result } from "effect"
import type { Caller } from "./Accounts.ts"
import { type ApiError, errorBody, invalid, notFound } from "./ApiError.ts"
import { type Batches, type BatchRequest, type BatchResult, describeBatch } from "./Batches.ts"
import { answerJson, type Call, headersOf, namesOf, playFailure, readJson, refuse } from "./Call.ts"
import { deliver } from "./Delivery.ts"
import { failureOf } from "./FailurePreset.ts"
import { answerTo, judgeOf, situationOf } from "./MessagesRoute.ts"
import { pageOf } from "./ModelList.ts"
import type { Rule } from "./Script.ts"
import { isObject, type JsonObject, list, object, openObject, pattern } from "./Shape.ts"
import { validate } from "./Validation.ts"

const MAX_REQUESTS = 100_000

type Batch = ReturnType<Batches["create"]>
type Handler = (call: Call, caller: Caller, id: string, rule: Rule) => Effect.Effect<void>

const withRule = (handler: Handler) =>
  Effect.fnUntraced(function* (call: Call, caller: Caller, id: string) {
    const situation = { operation: "batches", callers: namesOf(caller), models: [], stream: false, text: "" } as const
    const chosen = call.state.rules.choose(situation)
    if (yield* playFailure(call, caller, chosen)) return
    yield* handler(call, caller, id, chosen.rule)
  })

const withBatch = (handler: (call: Call, caller: Caller, batch: Batch, rule: Rule) => Effect.Effect<void>) =>
  withRule((call, caller, id, rule) => {
    const batch = call.state.batches.find(caller.name, id)
    return batch === undefined
      ? refuse(call, caller, notFound(`Message batch ${id} not found.`))
      : handler(call, caller, batch, rule)
  })

/** Takes messages to answer; whether each is a message that can be answered shows in its result. */
export const createBatch = withRule((call, caller, _, rule) => {
  const requests = Result.flatMap(readJson(call), readRequests)
  if (Result.isFailure(requests)) return refuse(call, caller, requests.failure)
  const { batches, script } = call.state
  const answer = (params: JsonObject) => answerOne(call, caller, params)
  const batch = batches.create(caller.name, requests.success, answer, call.now)
  const created = describeBatch(batch, call.origin)
  if (script.batches !== "on_command") batches.end(batch, call.now)
  return answerJson(call, caller, created, rule)
})

/** A page of the caller's batches. */
export const listBatches = withRule((call, caller, _, rule) => {
  const page = pageOf(call.state.batches.list(caller.name), call.query)
  return page === null
    ? refuse(call, caller, invalid("limit, after_id or before_id: Input is not valid"))
    : answerJson(call, caller, { ...page, data: page.data.map((batch) => describeBatch(batch, call.origin)) }, rule)
})

/** How far a batch is. */
export const getBatch = withBatch((call, caller, batch, rule) =>
  answerJson(call, caller, describeBatch(batch, call.origin), rule)
)

/** Its results, a line each. */
export const getBatchResults = withBatch((call, caller, batch, rule) => {
  if (batch.endedAt === null) {
    return refuse(call, caller, notFound(`Message batch ${batch.id} has no available results.`))
  }
  const frames = batch.results.map((line) => `${JSON.stringify(line)}\n`)
  const headers = headersOf(call, caller, { "content-type": "application/x-jsonl" }, rule.headers)
  return deliver(call, { status: 200, headers, frames }, rule)
})

/** Cancels what is not answered yet. */
export const cancelBatch = withBatch((call, caller, batch, rule) => {
  if (batch.endedAt !== null) {
    return refuse(call, caller, invalid(`Message batch ${batch.id} cannot be canceled because it has ended.`))
  }
  batch.canceledAt ??= call.now
  return answerJson(call, caller, describeBatch(batch, call.origin), rule)
})

/** Forgets a batch that has ended. */
export const deleteBatch = withBatch((call, caller, batch, rule) => {
  if (batch.endedAt === null) {
    return refuse(call, caller, invalid(`Message batch ${batch.id} cannot be deleted because it is still processing.`))
  }
  call.state.batches.remove(batch)
  return answerJson(call, caller, { id: batch.id, type: "message_batch_deleted" }, rule)
})

const shape = object({
  requests: list(object({ custom_id: pattern(/^[a-zA-Z0-9_-]{1,64}$/), params: openObject() }))
})

const readRequests = (value: unknown): Result.Result<ReadonlyArray<BatchRequest>, ApiError> => {
  const fault = shape(value, "")
  if (fault !== null) return Result.fail(invalid(fault))
  const requests: ReadonlyArray<BatchRequest> = isRequests(value) ? value.requests : []
  if (requests.length === 0) return Result.fail(invalid("requests: List should have at least 1 item after validation"))
  if (requests.length > MAX_REQUESTS) return Result.fail(invalid(`requests: at most ${MAX_REQUESTS} are permitted`))
  return new Set(requests.map((request) => request.custom_id)).size < requests.length
    ? Result.fail(invalid("requests: custom_id must be unique"))
    : Result.succeed(requests)
}

/** What `shape` has found right has them. */
const isRequests = (value: unknown): value is { readonly requests: ReadonlyArray<BatchRequest> } => isObject(value)

const answerOne = (call: Call, caller: Caller, params: JsonObject): BatchResult => {
  const { now, sighting, state } = call
  const errored = (error: Pick<ApiError, "type" | "message">): BatchResult => ({
    type: "errored",
    error: errorBody(error, sighting.requestId)
  })
  const unfit = ["stream", "thread"].find((member) => params[member] !== undefined && params[member] !== false)
  if (unfit !== undefined) return errored(invalid(`${unfit}: not permitted in a batch`))
  const valid = validate("messages", params, judgeOf(state, caller, call.betas))
  if (Result.isFailure(valid)) return errored(valid.failure)
  const { fail, rule } = state.rules.choose(situationOf(caller, valid.success))
  const failure = typeof fail === "string" ? failureOf(fail) : fail
  if (failure !== null) {
    const { message = "Internal server error", type = "api_error" } = typeof failure === "string" ? {} : failure
    return errored({ type, message })
  }
  const usage = { service_tier: "batch", ...rule.usage }
  const { found, message } = answerTo(state, caller, valid.success, { ...rule, usage }, now)
  state.cache.keep(found.keep, now)
  return { type: "succeeded", message }
}
