/**
 * Cors: which pages in browsers may call the client API. None, unless the operator names their origins; never the admin
 * API.
 *
 * **Source:** Fetch Standard, CORS protocol.
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

const exposed =
  "request-id, retry-after, weir-upstream, weir-usage-source, weir-usage-policy, weir-attempts, server-timing"

/** Headers of an answer to a page of this origin; none where it is not among the allowed. */
export const corsHeaders = (
  origin: string | undefined,
  allowed: ReadonlyArray<string>
): Readonly<Record<string, string>> => {
  if (origin === undefined || allowed.length === 0) return {}
  if (allowed.includes("*")) return { "access-control-allow-origin": "*", "access-control-expose-headers": exposed }
  return allowed.includes(origin)
    ? { "access-control-allow-origin": origin, "access-control-expose-headers": exposed, vary: "origin" }
    : { vary: "origin" }
}

/** Answers browsers that ask before they call. */
export const layerPreflight = (allowed: ReadonlyArray<string>) =>
  HttpRouter.addAll([
    HttpRouter.route("OPTIONS", "/v1/*", preflight(allowed)),
    HttpRouter.route("OPTIONS", "/cc/v1/*", preflight(allowed))
  ])

const preflight = (allowed: ReadonlyArray<string>) =>
  Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) => {
    const granted = corsHeaders(headers["origin"], allowed)
    const asked = headers["access-control-request-headers"]
    return HttpServerResponse.empty({
      status: 204,
      headers:
        granted["access-control-allow-origin"] === undefined
          ? granted
          : {
              ...granted,
              "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
              "access-control-max-age": "600",
              ...(asked === undefined ? {} : { "access-control-allow-headers": asked.slice(0, 4096) })
            }
    })
  })

/** Adds the headers to what routes answer through the router. */
export const middleware = (allowed: ReadonlyArray<string>) =>
  HttpRouter.middleware((serve) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
      Effect.map(serve, HttpServerResponse.setHeaders(corsHeaders(headers["origin"], allowed)))
    )
  )
