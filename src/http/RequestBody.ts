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

/** Reads and checks a body. */
export const readBody = Effect.fnUntraced(function* <A>(
  socket: MessagesResponse,
  headers: Headers.Headers,
  limits: BodyLimits,
  validate: (value: unknown) => Result.Result<A, InvalidMember>
): Effect.fn.Return<Result.Result<A, ErrorAnswer>> {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity"
  if (encoding !== "identity" && encoding !== "") return Result.fail(encodedBody(encoding.slice(0, 64)))
  const bytes = yield* Effect.timeoutOption(socket.read(limits.maxBody), limits.bodyTimeout)
  if (bytes._tag === "None") return Result.fail(bodyTimeout)
  if (bytes.value === "too_large") return Result.fail(bodyTooLarge(formatBytes(limits.maxBody)))
  const parsed = Result.mapError(parseJson(bytes.value), invalidRequest)
  return Result.flatMap(parsed, (value) => Result.mapError(validate(value), invalidMember))
})

const invalidMember = ({ path, problem }: InvalidMember): ErrorAnswer =>
  invalidRequest(path === "" ? `the body: ${problem}` : `${path}: ${problem}`)
