/**
 * AnthropicStandIn: a server on a real socket in the place of Anthropic's API, which answers as a test says and notes what
 * it was asked and by which account.
 */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"

/** What was asked. */
export interface StandInCall {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The credential that asked, by the name that its secret ends in. */
  readonly account: string
}

export interface StandIn {
  readonly url: string
  readonly calls: Array<StandInCall>
}

/** Sections of a gateway's configuration with it as the only upstream. */
export const upstreamAt = (url: string) => ({ upstreams: [{ id: "anthropic", kind: "anthropic", baseUrl: url }] })

/** @param answer called with each request once its body is there; `n` counts from 1 */
export const makeStandIn = Effect.fnUntraced(function* (
  answer: (call: StandInCall, response: ServerResponse, n: number) => void
): Effect.fn.Return<StandIn, never, Scope.Scope> {
  const calls: Array<StandInCall> = []
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const { headers, method = "", url: path = "" } = request
          if (path.startsWith("/v1/models")) return void sendJson(response, models)
          const account = /sk-ant-(\w+)/.exec(`${headers.authorization} ${headers["x-api-key"]}`)?.[1] ?? ""
          const call = { method, path, headers, body: Buffer.concat(chunks), account }
          answer(call, response, calls.push(call))
        })
      })
    ),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  const port = yield* Effect.callback<number>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      if (address !== null && typeof address !== "string") resume(Effect.succeed(address.port))
    })
  })
  return { url: `http://127.0.0.1:${port}`, calls }
})

const models = {
  data: ["claude-sonnet-4-5", "claude-opus-4-8"].map((id) => ({ type: "model", id, display_name: id })),
  has_more: false
}

export const sendJson = (
  response: ServerResponse,
  value: unknown,
  { headers = {}, status = 200 }: { readonly status?: number; readonly headers?: Record<string, string> } = {}
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value))
}

/** An error in Anthropic's words. */
export const sendError = (response: ServerResponse, status: number, type: string, more: object = {}): void =>
  sendJson(response, { type: "error", error: { type, message: `the stand-in says ${status}`, ...more } }, { status })

/** An answer to `POST /v1/messages`, whole or streamed as it was asked for. */
export const sendMessage = (
  response: ServerResponse,
  { body }: StandInCall,
  {
    content = [],
    id,
    ...more
  }: { readonly id: string; readonly content?: ReadonlyArray<object>; readonly container?: object }
): void => {
  const usage = { input_tokens: 3, output_tokens: 2, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
  const message = { id, type: "message", role: "assistant", model: "m", stop_sequence: null, usage }
  const end = { stop_reason: "end_turn", stop_sequence: null, ...more }
  const { stream }: { readonly stream?: boolean } = JSON.parse(body.toString("utf8"))
  if (stream !== true) return sendJson(response, { ...message, ...end, content })
  const events = [
    { type: "message_start", message: { ...message, content: [], stop_reason: null } },
    ...content.flatMap((content_block, index) => [
      { type: "content_block_start", index, content_block },
      { type: "content_block_stop", index }
    ]),
    { type: "message_delta", delta: end, usage },
    { type: "message_stop" }
  ]
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""))
}
