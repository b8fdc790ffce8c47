/**
 * AdminGuard: what stands before every handler of the admin API: the key, and words for requests that do not fit.
 */
import { Clock, Effect, Layer, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import { faultOf, formatPath } from "../config/ConfigError.ts"
import { ClientKeys, presentedKeys } from "../policy/ClientKeys.ts"
import { AdminAccess, AdminFaults } from "./AdminApi.ts"
import { Operator } from "./Audit.ts"
import { BadRequest, Internal, Unauthenticated } from "./ErrorSchema.ts"
import { WrongKeys } from "./WrongKeys.ts"

/** The one message of every 500. What it was is in the log. */
export const internal = new Internal({ message: "internal error of the gateway" })

/**
 * Lets a request pass that presents an admin key in `x-api-key` or as a bearer; either will do. A right key passes
 * however many wrong ones came from its address.
 */
export const layerAccess: Layer.Layer<AdminAccess, never, ClientKeys> = Layer.effect(
  AdminAccess,
  Effect.map(ClientKeys, (keys) => {
    const wrong = new WrongKeys()
    return AdminAccess.of(
      Effect.fnUntraced(function* (serve) {
        const request = yield* HttpServerRequest.HttpServerRequest
        const presented = presentedKeys(request.headers)
        for (const key of presented) {
          const operator = keys.admin(key)
          if (operator !== null) return yield* Effect.provideService(serve, Operator, operator.name)
        }
        if (presented.length === 0) {
          return yield* new Unauthenticated({ message: "an admin key is needed, in x-api-key or as a bearer" })
        }
        const address = Option.getOrElse(request.remoteAddress, () => "unknown")
        const retryAfterMs = wrong.note(address, yield* Clock.currentTimeMillis)
        return retryAfterMs === null
          ? yield* new Unauthenticated({ message: "this is not an admin key" })
          : tooManyWrongKeys(retryAfterMs)
      })
    )
  })
)

/** Requests that do not fit are 400 and name the field. An answer that does not fit is a mistake of ours. */
export const layerFaults: Layer.Layer<AdminFaults> = Layer.suspend(() =>
  HttpApiMiddleware.layerSchemaErrorTransform(AdminFaults, ({ cause, kind }) =>
    kind === "Body" || kind === "ResponseHeaders" ? Effect.die(cause) : Effect.fail(misfit(cause.issue))
  )
)

/** The field, and what is wrong with it, without its value. */
export const misfit = (issue: Parameters<typeof faultOf>[0]): BadRequest => {
  const { path, reason } = faultOf(issue)
  return new BadRequest({ message: path.length === 0 ? `the body: ${reason}` : `${formatPath(path)}: ${reason}` })
}

const tooManyWrongKeys = (retryAfterMs: number) =>
  HttpServerResponse.jsonUnsafe(
    { type: "error", error: { type: "rate_limit_error", message: "too many wrong keys came from this address" } },
    { status: 429, headers: { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } }
  )
