/**
 * ModelsRoutes: `GET /v1/models` and `GET /v1/models/{id}`.
 *
 * **Source:** Anthropic Models API: list shape, paging by `limit`, `after_id` and `before_id`; a `created_at` of the
 * epoch where the date is not known.
 */
import { Effect } from "effect"
import { HttpRouter, type HttpServerRequest } from "effect/http"
import { ModelList } from "../exchange/ModelList.ts"
import type { ClientIdentity } from "../policy/ClientKeys.ts"
import { KeyAdmission } from "../policy/KeyAdmission.ts"
import { clientModelName } from "../policy/ModelCatalog.ts"
import type { UpstreamModel } from "../upstream/UpstreamProvider.ts"
import { fail, json } from "./Answer.ts"
import { admitted, makeAdmit, makeWithin } from "./ClientRoute.ts"
import { type ErrorAnswer, invalidRequest, notFound } from "../exchange/ErrorAnswer.ts"

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const admit = yield* makeAdmit
    const admission = yield* KeyAdmission
    const models = yield* ModelList
    const within = yield* makeWithin

    const list = Effect.fnUntraced(function* (
      request: HttpServerRequest.HttpServerRequest,
      { id: key }: ClientIdentity
    ) {
      const listed = (yield* models.list).flatMap((model) => {
        const described = describe(model)
        return admission.mayUse(key, described.id, model.id) ? [described] : []
      })
      const page = pageOf(listed, queryOf(request))
      return "status" in page ? yield* fail(page) : json(page)
    })
    const one = Effect.fnUntraced(function* (id: string) {
      const resolved = models.resolve(id).id
      const known = yield* models.list
      const found = known.find(({ info }) => info?.id === id) ?? known.find((model) => model.id === resolved)
      return found === undefined ? yield* fail(notFound(`model: ${id}`)) : json({ ...describe(found), id })
    })

    yield* router.add(
      "GET",
      "/v1/models",
      admitted(admit, (request, identity) => within(identity, { model: null, estimate: null }, list(request, identity)))
    )
    yield* router.add(
      "GET",
      "/v1/models/:id",
      admitted(admit, (_, identity) =>
        Effect.flatMap(HttpRouter.params, ({ id = "" }) =>
          within(identity, { model: { name: id, resolved: models.resolve(id).id }, estimate: null }, one(id))
        )
      )
    )
  })
)

type Listed = Readonly<Record<string, unknown>> & { readonly id: string }

/** In the upstream's own words where it speaks the clients' language. */
const describe = ({ id, info, maxInputTokens, maxOutputTokens, name }: UpstreamModel): Listed =>
  info ?? {
    type: "model",
    id: clientModelName(id),
    display_name: name,
    created_at: "1970-01-01T00:00:00Z",
    max_input_tokens: maxInputTokens,
    max_tokens: maxOutputTokens
  }

/** Most models in one page, as at Anthropic. */
const longestPage = 1000
const usualPage = 20

const pageOf = (models: ReadonlyArray<Listed>, query: URLSearchParams): object | ErrorAnswer => {
  const limit = Number(query.get("limit") ?? usualPage)
  if (!Number.isInteger(limit) || limit < 1 || limit > longestPage) {
    return invalidRequest(`limit: a whole number from 1 to ${longestPage} is expected`)
  }
  const after = query.get("after_id")
  const before = query.get("before_id")
  const place = (id: string | null) => models.findIndex((model) => model.id === id)
  for (const [name, id] of [
    ["after_id", after],
    ["before_id", before]
  ] as const) {
    if (id !== null && place(id) === -1) return invalidRequest(`${name}: names no model of the list`)
  }
  const end = before === null ? models.length : place(before)
  const start = after !== null ? place(after) + 1 : before === null ? 0 : Math.max(0, end - limit)
  const data = models.slice(start, Math.min(end, start + limit))
  return {
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: before === null ? start + data.length < models.length : start > 0
  }
}

const queryOf = (request: HttpServerRequest.HttpServerRequest): URLSearchParams => {
  const at = request.url.indexOf("?")
  return new URLSearchParams(at === -1 ? "" : request.url.slice(at + 1))
}
