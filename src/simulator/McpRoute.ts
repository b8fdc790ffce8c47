/**
 * McpRoute: `POST /mcp`, JSON-RPC: the web search tool.
 *
 * **Source:** AWS `InvokeMCP`; result text as observed by public Kiro clients.
 */
import { Effect, Result, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { improper } from "./AwsError.ts"
import { answerJson, authenticate, type Call, namesOf, perform, refuse, serve } from "./Call.ts"
import { McpRequest } from "./KiroShape.ts"
import type { KiroState } from "./KiroState.ts"
import { silent } from "./RuleBook.ts"

/** The route, for one simulator. */
export const mcpRoute = (state: KiroState) => HttpRouter.add("POST", "/mcp", serve(state, "mcp", invoke))

const TOOLS = [
  {
    name: "web_search",
    description: "Searches the web.",
    inputSchema: { type: "object", properties: { query: { type: "string" } }, required: ["query"] }
  }
]
/** JSON-RPC: invalid params. */
const INVALID_PARAMS = -32602

const Search = Schema.Struct({
  name: Schema.Literal("web_search"),
  arguments: Schema.Struct({ query: Schema.NonEmptyString })
})

const invoke = Effect.fnUntraced(function* (call: Call) {
  const caller = yield* authenticate(call)
  if (caller === null) return
  const request = decode(call.body, { onExcessProperty: "error" })
  if (Result.isFailure(request)) return yield* refuse(call, improper("the body is no JSON-RPC call"))
  const { id = null, method, params } = request.success
  const search = decodeSearch(params)
  const text = Result.isSuccess(search) ? search.success.arguments.query : ""
  const situation = {
    operation: "mcp",
    credentials: namesOf(caller),
    model: null,
    prompt: { ...silent, text }
  } as const
  const reply = (rest: object) => answerJson(call, { id, jsonrpc: "2.0", ...rest })
  yield* perform(call, situation, () => {
    if (method === "tools/list") return reply({ result: { tools: TOOLS } })
    if (method !== "tools/call") return reply({ result: {} })
    return Result.isFailure(search)
      ? reply({ error: { code: INVALID_PARAMS, message: "Unknown tool or missing query" } })
      : reply({
          result: { content: [{ type: "text", text: JSON.stringify(resultsOf(text, call.now)) }], isError: false }
        })
  })
})

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(McpRequest))
const decodeSearch = Schema.decodeUnknownResult(Search)

const resultsOf = (query: string, now: number) => ({
  results: [1, 2].map((n) => ({
    title: `Result ${n} for ${query}`,
    url: `https://example.com/${n}?q=${encodeURIComponent(query)}`,
    snippet: `What page ${n} says about ${query}.`,
    publishedDate: now,
    id: `result-${n}`,
    domain: "example.com",
    maxVerbatimWordLimit: 30,
    publicDomain: false
  })),
  totalResults: 2,
  query
})
