/**
 * What the admin API answers when it does not do what it was asked. On the wire every error has the shape of the client
 * API's: `{ "type": "error", "error": { "type", "message" } }`. No message holds a secret.
 */
import { Schema, SchemaTransformation } from "effect"
import { HttpApiSchema } from "effect/http-api"

const onTheWire = <Self, const Tag extends string>(
  error: Schema.Codec<Self, { readonly _tag: Tag; readonly message: string }>,
  wire: { readonly tag: Tag; readonly type: string; readonly status: number; readonly when: string }
) =>
  Schema.Struct({
    type: Schema.Literal("error"),
    error: Schema.Struct({ type: Schema.Literal(wire.type), message: Schema.String }),
    request_id: Schema.optionalKey(Schema.String)
  })
    .annotate({ description: wire.when })
    .pipe(
      Schema.decodeTo(
        error,
        SchemaTransformation.transform({
          decode: (answer) => ({ _tag: wire.tag, message: answer.error.message }),
          encode: ({ message }) => ({ type: "error" as const, error: { type: wire.type, message } })
        })
      ),
      HttpApiSchema.status(wire.status)
    )

/** The request is at fault; the message starts with the field, as in `priority: expected a whole number`. */
export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", { message: Schema.String }) {}
export const BadRequestAnswer = onTheWire(BadRequest, {
  tag: "BadRequest",
  type: "invalid_request_error",
  status: 400,
  when: "The request is at fault; the message starts with the field."
})

/** No admin key, or a wrong one. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", {
  message: Schema.String
}) {}
export const UnauthenticatedAnswer = onTheWire(Unauthenticated, {
  tag: "Unauthenticated",
  type: "authentication_error",
  status: 401,
  when: "No admin key, or a wrong one."
})

/** The Host header names a host under which this API does not answer. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", { message: Schema.String }) {}
export const ForbiddenAnswer = onTheWire(Forbidden, {
  tag: "Forbidden",
  type: "permission_error",
  status: 403,
  when: "The Host header is neither loopback nor server.host nor in server.allowedHosts."
})

/** Nothing has this id or path, or the admin API is off. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { message: Schema.String }) {}
export const NotFoundAnswer = onTheWire(NotFound, {
  tag: "NotFound",
  type: "not_found_error",
  status: 404,
  when: "Nothing has this id, or no admin key is set."
})

/** The body is larger than the admin API takes. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { message: Schema.String }) {}
export const TooLargeAnswer = onTheWire(TooLarge, {
  tag: "TooLarge",
  type: "request_too_large",
  status: 413,
  when: "The body is larger than 1 MiB, or, of an import, than 8 MiB."
})

/** Too many wrong keys came from this address; `retry-after` says when the next one is looked at. */
export class TooManyWrongKeys extends Schema.TaggedError<TooManyWrongKeys>()("TooManyWrongKeys", {
  message: Schema.String
}) {}
export const TooManyWrongKeysAnswer = onTheWire(TooManyWrongKeys, {
  tag: "TooManyWrongKeys",
  type: "rate_limit_error",
  status: 429,
  when: "More than ten wrong keys a minute came from this address; a right key is never refused."
})

/** As many listen to the events as may. */
export class TooManyListeners extends Schema.TaggedError<TooManyListeners>()("TooManyListeners", {
  message: Schema.String
}) {}
export const TooManyListenersAnswer = onTheWire(TooManyListeners, {
  tag: "TooManyListeners",
  type: "rate_limit_error",
  status: 429,
  when: "As many listen as may."
})

/** A mistake of the gateway's, or its storage failed. What it was is in the log. */
export class Internal extends Schema.TaggedError<Internal>()("Internal", { message: Schema.String }) {}
export const InternalAnswer = onTheWire(Internal, {
  tag: "Internal",
  type: "api_error",
  status: 500,
  when: "A mistake of the gateway's, or its storage failed."
})

/** The identity provider gave no new token. */
export class RefreshFailed extends Schema.TaggedError<RefreshFailed>()("RefreshFailed", { message: Schema.String }) {}
export const RefreshFailedAnswer = onTheWire(RefreshFailed, {
  tag: "RefreshFailed",
  type: "api_error",
  status: 502,
  when: "The identity provider gave no new token."
})
