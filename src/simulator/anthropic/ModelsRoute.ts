/**
 * ModelsRoute: `GET /v1/models` and `GET /v1/models/{id}`.
 */
import { Effect } from "effect"
import type { Caller } from "./Accounts.ts"
import { invalid, notFound } from "./ApiError.ts"
import { answerJson, type Call, namesOf, playFailure, refuse } from "./Call.ts"
import { describe, findModel, pageOf } from "./ModelList.ts"

/** The models the caller may use, a page of them. */
export const listModels = Effect.fnUntraced(function* (call: Call, caller: Caller) {
  const chosen = choose(call, caller, [])
  if (yield* playFailure(call, caller, chosen)) return
  const page = pageOf(call.state.modelsOf(caller.account), call.query)
  yield* page === null
    ? refuse(call, caller, invalid("limit, after_id or before_id: Input is not valid"))
    : answerJson(call, caller, { ...page, data: page.data.map(describe) }, chosen.rule)
})

/** One of them. */
export const getModel = Effect.fnUntraced(function* (call: Call, caller: Caller, id: string) {
  const chosen = choose(call, caller, [id])
  if (yield* playFailure(call, caller, chosen)) return
  const model = findModel(call.state.modelsOf(caller.account), id)
  yield* model === undefined
    ? refuse(call, caller, notFound(`model: ${id}`))
    : answerJson(call, caller, describe(model), chosen.rule)
})

const choose = (call: Call, caller: Caller, models: ReadonlyArray<string>) =>
  call.state.rules.choose({ operation: "models", callers: namesOf(caller), models, stream: false, text: "" })
