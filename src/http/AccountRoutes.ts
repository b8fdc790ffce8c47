/**
 * AccountRoutes: files and batches, which live at an account of Anthropic's API: `/v1/files` and `/v1/messages/batches`.
 *
 * Bodies go on as bytes, whatever they are; downloads stream as they come.
 *
 * **Source:** Anthropic API: Files and Message Batches.
 */
import { Effect, Result } from "effect"
import { HttpRouter, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { type AccountAction, methodOf } from "../exchange/AccountAction.ts"
import { AccountCalls } from "../exchange/AccountCalls.ts"
import { draining, fromDefect, fromExchange, internal } from "../exchange/ErrorAnswer.ts"
import { ModelList } from "../exchange/ModelList.ts"
import { modelsInBatch } from "../exchange/Pins.ts"
import type { ClientIdentity } from "../policy/ClientKeys.ts"
import { fail } from "./Answer.ts"
import { admitted, makeAdmit, makeWithin } from "./ClientRoute.ts"
import { corsHeaders } from "./Cors.ts"
import { methodNotAllowed } from "./ErrorResponse.ts"
import { MessagesResponse } from "./MessagesResponse.ts"
import { type BodyLimits, readBytes } from "./RequestBody.ts"
import { RequestId } from "./RequestId.ts"
import { attemptsOf, logged, queryOf, refuse, sent, triedBy } from "./SocketAnswer.ts"

export interface AccountRoutesOptions extends BodyLimits {
  readonly corsOrigins: ReadonlyArray<string>
}

type Request = HttpServerRequest.HttpServerRequest

export const layer = (options: AccountRoutesOptions) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const admit = yield* makeAdmit
      const accounts = yield* AccountCalls
      const models = yield* ModelList
      const within = yield* makeWithin

      const callOf = ({ headers, url }: Request, { id }: ClientIdentity, action: AccountAction) => ({
        action,
        query: queryOf(url),
        headers,
        body: null,
        client: id,
        origin: originOf(headers)
      })

      /** Answers with JSON. */
      const answer = Effect.fnUntraced(function* (request: Request, identity: ClientIdentity, action: AccountAction) {
        const call = callOf(request, identity, action)
        const read = methodOf(action) === "POST" ? yield* bodyOf(request) : Result.succeed(null)
        if (Result.isFailure(read)) return yield* fail(read.failure)
        const answering = Effect.gen(function* () {
          const answered = yield* Effect.result(accounts.answer({ ...call, body: read.success }))
          if (Result.isFailure(answered)) {
            const refusal = yield* fail(fromExchange(answered.failure))
            return HttpServerResponse.setHeaders(refusal, triedBy({}, answered.failure))
          }
          const { body, head, tried } = answered.success
          const { "content-length": _, ...headers } = head.headers
          return HttpServerResponse.uint8Array(body, {
            status: head.status,
            headers: { ...headers, ...attemptsOf(tried) }
          })
        })
        return yield* within(identity, needOf(action, read.success), answering)
      })

      /** Of a key's limits all hold but those of tokens, which a batch is not let past. */
      const needOf = ({ does, kind }: AccountAction, body: Uint8Array | null) => {
        if (kind !== "batch" || does !== "create") return calls
        const batch = body === null ? [] : modelsInBatch(body)
        return { ...calls, batch: batch.map((name) => ({ name, resolved: models.resolve(name).id })) }
      }

      const bodyOf = Effect.fnUntraced(function* (request: Request) {
        const socket = MessagesResponse.of(request, () => ({}))
        if (socket === null) return Result.fail(internal)
        const read = yield* readBytes(socket, request.headers, options)
        return Result.map(read, (bytes) => (bytes.length === 0 ? null : bytes))
      })

      /** Passes the bytes on as they come. */
      const download = Effect.fnUntraced(function* (request: Request, identity: ClientIdentity, action: AccountAction) {
        const id = yield* RequestId
        const own = { ...corsHeaders(request.headers["origin"], options.corsOrigins), "request-id": id }
        const socket = MessagesResponse.of(request, () => ({}))
        if (socket === null) return yield* fail(internal)
        const ended = (told: ReturnType<typeof refuse>) =>
          Effect.suspend(() => {
            if (!socket.opened) return told
            socket.abort()
            return Effect.succeed(sent)
          })
        const streaming = accounts.stream(callOf(request, identity, action), {
          head: ({ headers, status }, tried, resume) =>
            socket.begin(status, { ...own, ...headers, ...attemptsOf(tried) }, resume),
          data: socket.pass
        })
        const passing = Effect.raceFirst(streaming, watch(socket)).pipe(
          Effect.matchEffect({
            onSuccess: () =>
              Effect.sync(() => {
                socket.end()
                return sent
              }),
            onFailure: (error) => ended(refuse(socket, triedBy(own, error), id, fromExchange(error)))
          }),
          Effect.catchDefect((defect) => logged(defect, ended(refuse(socket, own, id, fromDefect(defect))))),
          Effect.onInterrupt(() => ended(refuse(socket, own, id, draining)))
        )
        return yield* within(identity, calls, passing)
      })

      for (const [path, kind, does] of routes) {
        const serve = does === "fetch" ? download : answer
        const handler = admitted(
          admit,
          Effect.fnUntraced(
            function* (request, identity) {
              // What is not wanted need not be fetched.
              if (request.method === "HEAD") return yield* fail(methodNotAllowed("HEAD", path))
              const { id } = yield* HttpRouter.params
              return yield* serve(request, identity, { kind, does, id: id ?? null })
            },
            Effect.catchDefect((defect) => logged(defect, fail(fromDefect(defect))))
          )
        )
        yield* router.add(methodOf({ kind, does, id: null }), path, handler)
      }
    })
  )

/** Calls that name no model and use no tokens. */
const calls = { model: null, estimate: null } as const

const routes: ReadonlyArray<readonly [path: `/${string}`, AccountAction["kind"], AccountAction["does"]]> = [
  ["/v1/files", "file", "create"],
  ["/v1/files", "file", "list"],
  ["/v1/files/:id", "file", "read"],
  ["/v1/files/:id", "file", "delete"],
  ["/v1/files/:id/content", "file", "fetch"],
  ["/v1/messages/batches", "batch", "create"],
  ["/v1/messages/batches", "batch", "list"],
  ["/v1/messages/batches/:id", "batch", "read"],
  ["/v1/messages/batches/:id", "batch", "delete"],
  ["/v1/messages/batches/:id/cancel", "batch", "cancel"],
  ["/v1/messages/batches/:id/results", "batch", "fetch"]
]

/** Between two looks at whether the client still reads. */
const pace = "15 seconds"

const watch = (socket: MessagesResponse): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      Effect.sleep(pace),
      Effect.sync(() => socket.look())
    )
  )

/** The gateway's address as the client wrote it. What ends TLS before it says so; nobody else is told of it. */
const originOf = (headers: Request["headers"]): string => {
  const { host = "", "x-forwarded-proto": forwarded = "" } = headers
  const scheme = forwarded.split(",", 1)[0]?.trim().toLowerCase() === "https" ? "https" : "http"
  return /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host) ? `${scheme}://${host}` : ""
}
