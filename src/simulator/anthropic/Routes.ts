/**
 * Routes: which path and method is which operation.
 */
import { Effect } from "effect"
import type { Caller } from "./Accounts.ts"
import type { AnthropicState } from "./AnthropicState.ts"
import { type ApiError, notFound } from "./ApiError.ts"
import { cancelBatch, createBatch, deleteBatch, getBatch, getBatchResults, listBatches } from "./BatchesRoute.ts"
import { admit, answerJson, type Call, refuse, serve } from "./Call.ts"
import { deleteFile, getFile, getFileContent, listFiles, uploadFile } from "./FilesRoute.ts"
import { countMessageTokens, createMessage } from "./MessagesRoute.ts"
import { getModel, listModels } from "./ModelsRoute.ts"
import type { Operation } from "./Script.ts"

type Handler = (call: Call, caller: Caller, id: string) => Effect.Effect<void>
type Route = readonly [method: string, path: RegExp, operation: Operation, handler: Handler]

const routes: ReadonlyArray<Route> = [
  ["POST", /^\/v1\/messages$/, "messages", createMessage],
  ["POST", /^\/v1\/messages\/count_tokens$/, "count_tokens", countMessageTokens],
  ["POST", /^\/v1\/messages\/batches$/, "batches", createBatch],
  ["GET", /^\/v1\/messages\/batches$/, "batches", listBatches],
  ["GET", /^\/v1\/messages\/batches\/([^/]+)$/, "batches", getBatch],
  ["DELETE", /^\/v1\/messages\/batches\/([^/]+)$/, "batches", deleteBatch],
  ["GET", /^\/v1\/messages\/batches\/([^/]+)\/results$/, "batches", getBatchResults],
  ["POST", /^\/v1\/messages\/batches\/([^/]+)\/cancel$/, "batches", cancelBatch],
  ["POST", /^\/v1\/files$/, "files", uploadFile],
  ["GET", /^\/v1\/files$/, "files", listFiles],
  ["GET", /^\/v1\/files\/([^/]+)$/, "files", getFile],
  ["DELETE", /^\/v1\/files\/([^/]+)$/, "files", deleteFile],
  ["GET", /^\/v1\/files\/([^/]+)\/content$/, "files", getFileContent],
  ["GET", /^\/v1\/models$/, "models", listModels],
  ["GET", /^\/v1\/models\/([^/]+)$/, "models", getModel]
]

const wrongMethod: ApiError = { status: 405, type: "invalid_request_error", message: "Method Not Allowed" }

/** The whole API, for one simulator. */
export const serveApi = (state: AnthropicState) =>
  serve(state, (method, path) => find(method, path)?.route[2] ?? null, dispatch)

const dispatch = Effect.fnUntraced(function* (call: Call) {
  const { method, path } = call
  if (path === "/" && (method === "HEAD" || method === "GET")) return yield* call.wire.answer(200, {}, "")
  if (path === "/api/hello") return yield* answerJson(call, null, { message: "hello" })
  const found = find(method, path)
  if (found === null) {
    const isKnown = routes.some(([, expression]) => expression.test(path))
    return yield* refuse(call, null, isKnown ? wrongMethod : notFound("Not Found"))
  }
  const caller = yield* admit(call)
  if (caller !== null) yield* found.route[3](call, caller, found.id)
})

const find = (method: string, path: string): { readonly route: Route; readonly id: string } | null => {
  for (const route of routes) {
    const match = route[0] === method ? route[1].exec(path) : null
    if (match !== null) return { route, id: match[1] ?? "" }
  }
  return null
}
