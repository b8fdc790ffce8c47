/**
 * RequestBody: a client's body, read within its limits and checked, or the error that answers it.
 */
import { type Duration, Effect, Result } from "effect"
import type { Headers } from "effect/http"
import { formatBytes } from "../config/ByteSize.ts"
import type { InvalidMember } from "../message/MessagesRequest.ts"
import { type ErrorAnswer, invalidRequest } from "../exchange/ErrorAnswer.ts"
import { bodyTimeout, bodyTooLarge, encodedBody } from "./ErrorResponse.ts"
import { parseJson } from "./JsonBody.ts"
import type { MessagesResponse } from "./MessagesResponse.ts"

/** The bounds of a body. */
export interface BodyLimits {
  /** Bytes. */
  readonly maxBody: number
  readonly bodyTimeout: Duration.Duration
}

/** A body that was read and checked. */
export interface CheckedBody<A> {
  readonly value: A
  /** As it came. */
  readonly bytes: Uint8Array
}

/** Reads a body as it is. */
export const readBytes = Effect.fnUntraced(function* (
  socket: MessagesResponse,
  headers: Headers.Headers,
  limits: BodyLimits
): Effect.fn.Return<Result.Result<Uint8Array, ErrorAnswer>> {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity"
  if (encoding !== "identity" && encoding !== "") return Result.fail(encodedBody(encoding.slice(0, 64)))
  const read = yield* Effect.timeoutOption(socket.read(limits.maxBody), limits.bodyTimeout)
  if (read._tag === "None") return Result.fail(bodyTimeout)
  return read.value === "too_large"
    ? Result.fail(bodyTooLarge(formatBytes(limits.maxBody)))
    : Result.succeed(read.value)
})

/** Reads and checks a body. */
export const readBody = Effect.fnUntraced(function* <A>(
  socket: MessagesResponse,
  headers: Headers.Headers,
  limits: BodyLimits,
  validate: (value: unknown) => Result.Result<A, InvalidMember>
): Effect.fn.Return<Result.Result<CheckedBody<A>, ErrorAnswer>> {
  const read = yield* readBytes(socket, headers, limits)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const bytes = read.success
  const parsed = Result.mapError(parseJson(bytes), invalidRequest)
  return Result.flatMap(parsed, (value) =>
    Result.mapBoth(validate(value), { onSuccess: (value) => ({ value, bytes }), onFailure: invalidMember })
  )
})

const invalidMember = ({ path, problem }: InvalidMember): ErrorAnswer =>
  invalidRequest(path === "" ? `the body: ${problem}` : `${path}: ${problem}`)
