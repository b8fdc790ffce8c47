/**
 * JsonPayload: the body of an admin request: bounded, JSON whatever its content type says, and of the expected shape.
 */
import { ByteSize, Effect, Schema, type SchemaAST } from "effect"
import { HttpIncomingMessage, type HttpServerRequest } from "effect/http"
import { misfit } from "./AdminGuard.ts"
import { BadRequest, TooLarge } from "./ErrorSchema.ts"

/** The most that is read of a body, where nothing else is said. */
const largest = 1

const Json = Schema.fromJsonString(Schema.Unknown)

/** Reads a body as text. @param mebibytes the most that is read */
export const readText = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  mebibytes: number = largest
) {
  const tooLarge = new TooLarge({ message: `the body is larger than ${mebibytes} MiB` })
  const limit = ByteSize.mebibytes(mebibytes)
  if (Number(request.headers["content-length"] ?? 0) > ByteSize.toNumberUnsafe(limit)) return yield* tooLarge
  return yield* request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, limit),
    Effect.mapError(({ reason }) =>
      "reason" in reason && reason.reason === "BodyTooLarge"
        ? tooLarge
        : new BadRequest({ message: "the body could not be read" })
    )
  )
})

/** Decodes a body. Neither message repeats what it says. */
export const readPayload = Effect.fnUntraced(function* <A>(
  request: HttpServerRequest.HttpServerRequest,
  schema: Schema.ConstraintDecoder<A>,
  options?: SchemaAST.ParseOptions
) {
  const text = yield* readText(request)
  const json = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Json)(text),
    () => new BadRequest({ message: "the body: expected JSON" })
  )
  return yield* Effect.mapError(Schema.decodeUnknownEffect(schema)(json, options), ({ issue }) => misfit(issue))
})
