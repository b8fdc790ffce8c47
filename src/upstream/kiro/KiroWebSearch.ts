/**
 * KiroWebSearch: one web search through the upstream's MCP endpoint.
 *
 * **Source:** AWS `InvokeMCP` with the tool `web_search`; JSON-RPC 2.0; Anthropic's `web_search_tool_result`.
 */
import { DateTime, Effect, Option, Schema } from "effect"
import { Base64 } from "effect/encoding"
import type { Lease } from "../../message/Lease.ts"
import type { FailureKind } from "../../message/FailureReason.ts"
import type { WebSearchError, WebSearchResult } from "../../message/MessageEvent.ts"
import { forLog } from "../../telemetry/Redaction.ts"
import type { Sender } from "../Dispatch.ts"
import { broken, type UpstreamFailure } from "../UpstreamFailure.ts"
import type { UpstreamCall } from "../UpstreamProvider.ts"
import { address, apiRegion } from "./KiroEndpoints.ts"
import { type KiroOptions, profileHeaders, rejected } from "./KiroHttp.ts"
import { isShown, searchTool } from "./SearchTool.ts"

/** What a search came to. */
export type SearchOutcome =
  | { readonly kind: "found"; readonly results: ReadonlyArray<Found> }
  | { readonly kind: "failed"; readonly error: WebSearchError }

/** One hit. */
export interface Found {
  readonly title: string
  readonly url: string
  readonly snippet: string
  /** As Anthropic writes it, e.g. `January 2, 2026`. */
  readonly pageAge: string | null
}

/** Longest query that is sent. Characters. */
const queryLimit = 1000

const member = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const Reply = Schema.fromJsonString(
  Schema.Struct({
    error: member(Schema.Unknown),
    result: member(
      Schema.Struct({
        isError: member(Schema.Boolean),
        content: member(Schema.Array(Schema.Struct({ type: Schema.String, text: member(Schema.String) })))
      })
    )
  })
)
const Results = Schema.fromJsonString(
  Schema.Struct({
    error: member(Schema.Unknown),
    results: Schema.Array(
      Schema.Struct({
        title: member(Schema.String),
        url: Schema.String,
        snippet: member(Schema.String),
        publishedDate: member(Schema.Number)
      })
    )
  })
)

/**
 * Searches. Fails only where another credential may do better; a search that went wrong is an outcome that the client
 * and the model are told of.
 *
 * @param id of the call; it is the JSON-RPC id too
 */
export const search = Effect.fnUntraced(function* (
  dispatch: Sender,
  options: KiroOptions,
  lease: Lease,
  call: UpstreamCall,
  id: string,
  query: string
): Effect.fn.Return<SearchOutcome, UpstreamFailure> {
  if (query.trim() === "") return failed("invalid_tool_input")
  if (query.length > queryLimit) return failed("query_too_long")
  const answered = yield* Effect.result(
    dispatch
      .collect({
        url: address(options.endpoints.api, apiRegion(lease.credential, options.endpoints), "/mcp"),
        method: "POST",
        headers: { ...profileHeaders(lease, options), accept: "application/json" },
        body: JSON.stringify({
          id,
          jsonrpc: "2.0",
          method: "tools/call",
          params: { name: "web_search", arguments: { query } }
        }),
        headerTimeoutMs: call.headerTimeoutMs,
        idleTimeoutMs: call.idleTimeoutMs
      })
      .pipe(
        Effect.mapError(broken),
        Effect.flatMap((response) =>
          response.status === 200 ? Effect.succeed(response.body) : rejected(response, lease)
        )
      )
  )
  if (answered._tag === "Failure") {
    const { kind } = answered.failure.reason
    if (ofTheCredential.has(kind)) return yield* answered.failure
    yield* Effect.logWarning(`A web search failed: ${forLog(answered.failure.message)}`)
    return failed("unavailable")
  }
  const outcome = yield* read(answered.success).pipe(
    Effect.catch(() =>
      Effect.as(Effect.logWarning("A web search was answered with something else"), failed("unavailable"))
    )
  )
  const tool = searchTool(call.request)
  return outcome.kind === "failed"
    ? outcome
    : { kind: "found", results: outcome.results.filter(({ url }) => isShown(tool, url)) }
})

const ofTheCredential: ReadonlySet<FailureKind> = new Set<FailureKind>([
  "rate_limit",
  "overage_request_limit",
  "quota_exceeded",
  "suspicious_activity",
  "account_suspended",
  "token_rejected",
  "auth"
])

const read = Effect.fnUntraced(function* (body: string): Effect.fn.Return<SearchOutcome, Schema.SchemaError> {
  const { error, result } = yield* Schema.decodeEffect(Reply)(body)
  const text = result?.content?.find((item) => item.type === "text")?.text
  if ((error ?? null) !== null || result?.isError === true || text === undefined || text === null)
    return failed("unavailable")
  const found = yield* Schema.decodeEffect(Results)(text)
  if ((found.error ?? null) !== null) return failed("unavailable")
  return {
    kind: "found",
    results: found.results.map((hit) => ({
      title: hit.title ?? hit.url,
      url: hit.url,
      snippet: hit.snippet ?? "",
      pageAge: pageAge(hit.publishedDate ?? null)
    }))
  }
})

const failed = (code: WebSearchError["error_code"]): SearchOutcome => ({
  kind: "failed",
  error: { type: "web_search_tool_result_error", error_code: code }
})

/** A result block's content. The snippet is what `encrypted_content` holds, as base64 and not encrypted. */
export const blockContent = (outcome: SearchOutcome): ReadonlyArray<WebSearchResult> | WebSearchError =>
  outcome.kind === "failed"
    ? outcome.error
    : outcome.results.map((hit) => ({
        type: "web_search_result",
        title: hit.title,
        url: hit.url,
        encrypted_content: Base64.encode(hit.snippet),
        page_age: hit.pageAge
      }))

/** What the model is told of a search. */
export const resultText = (outcome: SearchOutcome): string =>
  outcome.kind === "failed"
    ? `The search failed: ${outcome.error.error_code}`
    : outcome.results.length === 0
      ? "The search found nothing."
      : outcome.results
          .map((hit, index) =>
            [`${index + 1}. ${hit.title}`, hit.url, hit.pageAge ?? "", hit.snippet]
              .filter((line) => line !== "")
              .join("\n")
          )
          .join("\n\n")

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December"
]

/** `January 2, 2026` in UTC, from milliseconds since the epoch. */
const pageAge = (published: number | null): string | null => {
  const date = published === null ? Option.none() : DateTime.make(published)
  if (Option.isNone(date)) return null
  const { day, month, year } = DateTime.toPartsUtc(date.value)
  return `${months[month - 1]} ${day}, ${year}`
}
