/**
 * Call: one request being served, from its headers to the release of its socket, and the answers that any operation gives.
 */
import { Clock, Effect, Result, Schema } from "effect"
import { HttpIncomingMessage, HttpServerRequest, HttpServerResponse } from "effect/http"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { ServerResponse } from "node:http"
import { gzipSync } from "node:zlib"
import { Wire } from "../Wire.ts"
import { authenticate, type Caller, tokenOf } from "./Accounts.ts"
import { makeId } from "./Answering.ts"
import type { AnthropicState } from "./AnthropicState.ts"
import { type ApiError, errorBody, invalid, tooLarge } from "./ApiError.ts"
import { deliver } from "./Delivery.ts"
import { failureOf } from "./FailurePreset.ts"
import type { Chosen } from "./RuleBook.ts"
import type { Operation, Rule } from "./Script.ts"
import type { Sighting } from "./SeenRequest.ts"

/** Longest body that is read; a longer one is answered with 413, as is a longer one of messages. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** The oldest, the one that most clients name, the one of `@anthropic-ai/sdk` 1.12. */
const VERSIONS: ReadonlyArray<string> = ["2023-01-01", "2023-06-01", "2026-10-21"]
const BASE = "http://simulator.invalid"
const JSON_TYPE = { "content-type": "application/json" }

export interface Call {
  readonly state: AnthropicState
  readonly wire: Wire
  readonly sighting: Sighting
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly betas: ReadonlyArray<string>
  /** The address the client knows this server by, without a path. */
  readonly origin: string
  readonly bytes: Uint8Array
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Serves requests: reads the body, notes the request, and lets `answer` write to the socket itself. */
export const serve = (
  state: AnthropicState,
  operationOf: (method: string, path: string) => Operation | null,
  answer: (call: Call) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const response = NodeHttpServerRequest.toServerResponse(request)
    if (!(response instanceof ServerResponse)) return HttpServerResponse.empty({ status: 505 })
    const read = yield* Effect.result(request.arrayBuffer)
    const bytes = new Uint8Array(Result.isSuccess(read) ? read.success : new ArrayBuffer(0))
    const now = yield* Clock.currentTimeMillis
    const { headers, method } = request
    const url = URL.parse(request.url, BASE) ?? new URL(BASE)
    const betas = (headers["anthropic-beta"] ?? "").split(",").flatMap((beta) => beta.trim() || [])
    const sighting = state.observation.keep({
      operation: operationOf(method, url.pathname),
      method,
      path: url.pathname + url.search,
      headers: { ...headers },
      rawHeaders: pairs(NodeHttpServerRequest.toIncomingMessage(request).rawHeaders),
      body: Buffer.from(bytes.buffer).toString("utf8"),
      bodyBytes: bytes.length,
      token: tokenOf({ apiKey: headers["x-api-key"], authorization: headers["authorization"], betas }),
      account: null,
      receivedAt: now,
      requestId: makeId("req"),
      status: null,
      answer: "",
      refused: null,
      usage: null,
      sentBytes: 0,
      ending: "open"
    })
    const origin = `http://${headers["host"] ?? "localhost"}`
    const path = url.pathname
    yield* Effect.acquireRelease(
      Effect.sync(() => new Wire(response, sighting)),
      (wire) => Effect.sync(() => wire.release())
    ).pipe(
      Effect.flatMap((wire) => {
        const call = {
          state,
          wire,
          sighting,
          method,
          path,
          query: url.searchParams,
          headers,
          betas,
          origin,
          bytes,
          now
        }
        if (Result.isSuccess(read)) return answer(call)
        // A body that broke off is nobody's fault here.
        return wire.over ? Effect.void : refuse(call, null, tooLarge)
      }),
      Effect.scoped
    )
    return HttpServerResponse.empty()
  }).pipe(Effect.provideService(HttpIncomingMessage.MaxBodySize, BigInt(MAX_BODY_BYTES)))

/** Who calls, by headers that the API takes; null: the call has been refused. */
export const admit = (call: Call): Effect.Effect<Caller | null> => {
  const { betas, headers, sighting, state } = call
  const presented = { apiKey: headers["x-api-key"], authorization: headers["authorization"], betas }
  const caller = authenticate(state.script.accounts ?? [], presented)
  if (Result.isFailure(caller)) return Effect.as(refuse(call, null, caller.failure), null)
  sighting.account = caller.success.name
  const fault = findHeaderFault(call)
  if (fault !== null) return Effect.as(refuse(call, caller.success, fault), null)
  state.limits.count(caller.success.name, call.now, { requests: 1, input: 0, output: 0 })
  return Effect.succeed(caller.success)
}

const findHeaderFault = ({ betas, headers }: Call): ApiError | null => {
  const version = headers["anthropic-version"]
  if (version === undefined) return invalid("anthropic-version: header is required")
  if (!VERSIONS.includes(version)) {
    return invalid(`anthropic-version: "${version}" is not a valid version`)
  }
  const unknown = betas.filter((beta) => !/^[a-z0-9-]+-\d{4}-?\d{2}-?\d{2}$/.test(beta))
  return unknown.length === 0
    ? null
    : invalid(`Unexpected value(s) ${unknown.map((it) => `\`${it}\``).join(", ")} for the \`anthropic-beta\` header.`)
}

/** Answers with an error that the simulator itself decided on. */
export const refuse = (call: Call, caller: Caller | null, error: ApiError): Effect.Effect<void> => {
  call.sighting.refused = error
  return answerJson(call, caller, errorBody(error, call.sighting.requestId), {}, error.status)
}

/** Answers with JSON, in the manner of a rule. */
export const answerJson = (
  call: Call,
  caller: Caller | null,
  value: unknown,
  rule: Rule = {},
  status = 200,
  events: { readonly onBegin?: () => void; readonly onEnd?: () => void } = {}
): Effect.Effect<void> => {
  const text = Buffer.from(JSON.stringify(value))
  const isPacked = rule.gzip === true && /\bgzip\b/.test(call.headers["accept-encoding"] ?? "")
  const body = isPacked ? gzipSync(text) : text
  const usual = { ...JSON_TYPE, ...(isPacked ? { "content-encoding": "gzip" } : {}), ...lengthOf(body) }
  const headers = headersOf(call, caller, usual, rule.headers)
  return deliver(call, { status, headers, frames: [body], ...events }, rule)
}

/** Plays what a rule says of failing; false: it says nothing, or not now. */
export const playFailure = (call: Call, caller: Caller, { fail, rule }: Chosen): Effect.Effect<boolean> => {
  if (fail === null) return Effect.succeed(false)
  const failure = typeof fail === "string" ? failureOf(fail) : fail
  if (failure === "hang") return Effect.never
  if (failure === "network") return Effect.as(call.wire.cut(), true)
  const { body, details, message = "", status, type = "api_error" } = failure
  const error = errorBody({ type, message, ...(details === undefined ? {} : { details }) }, call.sighting.requestId)
  const text = typeof body === "string" ? body : JSON.stringify(body ?? error)
  const usual = { ...(typeof body === "string" ? { "content-type": "text/html" } : JSON_TYPE), ...lengthOf(text) }
  const retry = rule.retryAfter === undefined ? {} : { "retry-after": String(rule.retryAfter) }
  const headers = headersOf(call, caller, usual, failure.headers, retry, rule.headers)
  return Effect.as(deliver(call, { status, headers, frames: [text] }, rule), true)
}

/** The headers of an answer; later changes win, and null takes a header away. */
export const headersOf = (
  { now, sighting, state }: Call,
  caller: Caller | null,
  ...changes: ReadonlyArray<Readonly<Record<string, string | null>> | undefined>
): Readonly<Record<string, string>> => {
  const headers = new Map<string, string>([["request-id", sighting.requestId]])
  const known: Readonly<Record<string, string>> =
    caller === null
      ? {}
      : { "anthropic-organization-id": caller.organization, ...state.limits.headers(caller.name, now) }
  for (const change of [known, state.script.headers, caller?.account.headers, ...changes]) {
    for (const [name, value] of Object.entries(change ?? {})) {
      if (value === null) headers.delete(name.toLowerCase())
      else headers.set(name.toLowerCase(), value)
    }
  }
  return Object.fromEntries(headers)
}

/** The body as JSON, or the refusal. */
export const readJson = (call: Call): Result.Result<unknown, ApiError> =>
  Result.mapError(parseJson(call.sighting.body), () => invalid("The request body is not valid JSON"))

/** Everything a rule may name a caller by. */
export const namesOf = (caller: Caller): ReadonlyArray<string> => [caller.token, caller.name]

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const lengthOf = (body: string | Uint8Array) => ({ "content-length": String(Buffer.byteLength(body)) })

const pairs = (flat: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> =>
  Array.from(
    { length: Math.floor(flat.length / 2) },
    (_, index) => [flat[index * 2] ?? "", flat[index * 2 + 1] ?? ""] as const
  )
