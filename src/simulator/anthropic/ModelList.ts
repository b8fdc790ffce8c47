/**
 * ModelList: the models of the API, as `GET /v1/models` tells them.
 *
 * **Source:** `ModelInfo` of `@anthropic-ai/sdk` 1.12; windows and minima of Anthropic's published table of models.
 */
import { Schema } from "effect"

/** One model as a script names it; what is absent is as most models have it. */
export const Model = Schema.Struct({
  id: Schema.NonEmptyString,
  display_name: Schema.optionalKey(Schema.String),
  created_at: Schema.optionalKey(Schema.String),
  /** Tokens of the context window. @default 200,000 */
  max_input_tokens: Schema.optionalKey(Schema.Int),
  /** Tokens of an answer. @default 64,000 */
  max_tokens: Schema.optionalKey(Schema.Int),
  /** Tokens of the shortest prefix that is cached. @default 1,024 */
  minimum_cache_tokens: Schema.optionalKey(Schema.Int),
  lifecycle: Schema.optionalKey(Schema.Literals(["active", "deprecated", "retired"]))
})
export type Model = typeof Model.Type

/** What a script that names no models has, newest first. */
export const defaultModels: ReadonlyArray<Model> = [
  { id: "claude-opus-5-5", display_name: "Claude Opus 5.5", created_at: "2026-10-01T00:00:00Z", max_tokens: 128_000 },
  {
    id: "claude-sonnet-5-5",
    display_name: "Claude Sonnet 5.5",
    created_at: "2026-09-01T00:00:00Z",
    max_tokens: 128_000
  },
  { id: "claude-opus-4-8", display_name: "Claude Opus 4.8", created_at: "2026-06-01T00:00:00Z", max_tokens: 128_000 },
  {
    id: "claude-haiku-4-5-20251001",
    display_name: "Claude Haiku 4.5",
    created_at: "2025-10-15T00:00:00Z",
    minimum_cache_tokens: 4_096
  },
  { id: "claude-sonnet-4-5-20250929", display_name: "Claude Sonnet 4.5", created_at: "2025-09-29T00:00:00Z" },
  {
    id: "claude-opus-4-1-20250805",
    display_name: "Claude Opus 4.1",
    created_at: "2025-08-05T00:00:00Z",
    max_tokens: 32_000
  }
]

/** The model of an id, or of the id without its date. */
export const findModel = (models: ReadonlyArray<Model>, id: string): Model | undefined =>
  models.find((model) => model.id === id) ?? models.find((model) => model.id.replace(/-\d{8}$/, "") === id)

export const windowOf = (model: Model): number => model.max_input_tokens ?? 200_000
export const longestAnswerOf = (model: Model): number => model.max_tokens ?? 64_000
export const minimumOf = (model: Model): number => model.minimum_cache_tokens ?? 1_024

/** The line a model belongs to, e.g. `sonnet`; of a model without one its id. */
export const lineOf = (model: Model): string => LINE.exec(model.id)?.[0] ?? model.id

const LINE = /haiku|sonnet|opus|fable|mythos/

/** A model in the words of the API. */
export const describe = (model: Model) => {
  const lifecycle = model.lifecycle ?? "active"
  const [yes, no] = [{ supported: true }, { supported: false }]
  return {
    type: "model",
    id: model.id,
    display_name: model.display_name ?? model.id,
    created_at: model.created_at ?? "2025-01-01T00:00:00Z",
    line: LINE.exec(model.id)?.[0] ?? null,
    lifecycle,
    deprecated_at: lifecycle === "active" ? null : "2026-01-01T00:00:00Z",
    retires_at: lifecycle === "active" ? null : "2026-12-31T00:00:00Z",
    max_input_tokens: windowOf(model),
    max_tokens: longestAnswerOf(model),
    capabilities: {
      batch: yes,
      citations: yes,
      code_execution: yes,
      context_management: {
        supported: true,
        clear_thinking_20251015: yes,
        clear_tool_uses_20250919: yes,
        compact_20260112: no
      },
      effort: { supported: true, low: yes, medium: yes, high: yes, max: yes, xhigh: null },
      image_input: yes,
      pdf_input: yes,
      server_tools: { supported: true, code_execution: yes, web_search: yes },
      structured_outputs: yes,
      thinking: { supported: true, types: { adaptive: yes, between_tools: no, disabled: yes, enabled: yes } }
    }
  }
}

/** A page of a list whose cursor is an id. Null: there is no such page. */
export const pageOf = <A extends { readonly id: string }>(items: ReadonlyArray<A>, query: URLSearchParams) => {
  const limit = Number(query.get("limit") ?? 20)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) return null
  const [after, before] = [query.get("after_id"), query.get("before_id")]
  const place = (id: string) => items.findIndex((item) => item.id === id)
  if ((after !== null && place(after) === -1) || (before !== null && place(before) === -1)) return null
  const from = after === null ? 0 : place(after) + 1
  const to = before === null ? items.length : place(before)
  const data = before === null ? items.slice(from, from + limit) : items.slice(Math.max(from, to - limit), to)
  const isMore = before === null ? from + limit < to : to - limit > from
  return { data, has_more: isMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
}
